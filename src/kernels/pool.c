/*
 * The loops of pool.h in plain C.
 */
#define ISA c
#include "kernels/pool_tmpl.h"
