/*
 * The loops of functions.h in plain C.
 */
#define ISA c
#include "kernels/functions_tmpl.h"
