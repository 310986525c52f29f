/*
 * The loops of column_sums.h in plain C.
 */
#define ISA c
#include "kernels/column_sums_tmpl.h"
