/*
 * The loops of elementwise.h in plain C.
 */
#define ISA c
#include "kernels/elementwise_tmpl.h"
