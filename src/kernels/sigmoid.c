/*
 * The loops of sigmoid.h in plain C.
 */
#define ISA c
#include "kernels/sigmoid_tmpl.h"
