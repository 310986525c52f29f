/*
 * The loops of rows.h in plain C.
 */
#define ISA c
#include "kernels/rows_tmpl.h"
