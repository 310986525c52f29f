/*
 * CAST between number types: floats are truncated, integers wrap, anything not zero is true, complex numbers
 * lose their imaginary part.
 *
 * Floats outside the integer's range saturate and NaN becomes 0, where C (and TensorFlow Lite with it)
 * leaves the result undefined. Source: LiteRT tflite/kernels/cast.cc.
 */
#include "numeric/half.h"
#include "ops/arith.h"
#include "ops/unary.h"
#include "ops/version.h"

/* Every type is read into one of these two, then written: exact for all pairs. */
typedef struct number { bool is_float; double f, imaginary; int64_t i; } number;

typedef number (*read_fn)(const void *x, size_t i);
typedef void (*write_fn)(void *y, size_t i, number v);

static int64_t to_integer(number v, double lo, double hi, int64_t lo_i, int64_t hi_i)
{
    if (!v.is_float)
        return v.i;
    if (v.f != v.f)
        return 0;
    return v.f <= lo ? lo_i : v.f >= hi ? hi_i : (int64_t)v.f;
}

#define INTEGER(suffix, type, low, high)                                                           \
    static number read_##suffix(const void *x, size_t i)                                           \
    {                                                                                              \
        return (number){ .i = (int64_t)((const type *)x)[i] };                                     \
    }                                                                                              \
    static void write_##suffix(void *y, size_t i, number v)                                        \
    {                                                                                              \
        ((type *)y)[i] = (type)to_integer(v, (double)(low), (double)(high), low, high);            \
    }
INTEGER(s8, int8_t, INT8_MIN, INT8_MAX)
INTEGER(u8, uint8_t, 0, UINT8_MAX)
INTEGER(s16, int16_t, INT16_MIN, INT16_MAX)
INTEGER(u16, uint16_t, 0, UINT16_MAX)
INTEGER(s32, int32_t, INT32_MIN, INT32_MAX)
INTEGER(u32, uint32_t, 0, UINT32_MAX)
INTEGER(s64, int64_t, INT64_MIN, INT64_MAX)

static number read_bool(const void *x, size_t i)
{
    return (number){ .i = ((const uint8_t *)x)[i] != 0 };
}

static void write_bool(void *y, size_t i, number v)
{
    ((uint8_t *)y)[i] = v.is_float ? v.f != 0 : v.i != 0;
}

static number read_f32(const void *x, size_t i)
{
    return (number){ .is_float = true, .f = (double)((const float *)x)[i] };
}

static number read_f16(const void *x, size_t i)
{
    return (number){ .is_float = true, .f = (double)oct_half_to_float(((const uint16_t *)x)[i]) };
}

static number read_f64(const void *x, size_t i)
{
    return (number){ .is_float = true, .f = ((const double *)x)[i] };
}

static number read_c64(const void *x, size_t i)
{
    const float *pair = (const float *)x + 2 * i;
    return (number){ .is_float = true, .f = (double)pair[0], .imaginary = (double)pair[1] };
}

static void write_f32(void *y, size_t i, number v)
{
    ((float *)y)[i] = v.is_float ? (float)v.f : (float)v.i;
}

static void write_f16(void *y, size_t i, number v)
{
    ((uint16_t *)y)[i] = oct_float_to_half(v.is_float ? (float)v.f : (float)v.i);
}

static void write_f64(void *y, size_t i, number v)
{
    ((double *)y)[i] = v.is_float ? v.f : (double)v.i;
}

static void write_c64(void *y, size_t i, number v)
{
    float *pair = (float *)y + 2 * i;
    pair[0] = v.is_float ? (float)v.f : (float)v.i;
    pair[1] = (float)v.imaginary;
}

static const struct {
    oct_type type;
    read_fn read;
    write_fn write;
} access[] = {
    { OCT_FLOAT32, read_f32, write_f32 }, { OCT_FLOAT16, read_f16, write_f16 },
    { OCT_FLOAT64, read_f64, write_f64 }, { OCT_COMPLEX64, read_c64, write_c64 },
    { OCT_INT8, read_s8, write_s8 }, { OCT_UINT8, read_u8, write_u8 },
    { OCT_INT16, read_s16, write_s16 }, { OCT_UINT16, read_u16, write_u16 },
    { OCT_INT32, read_s32, write_s32 }, { OCT_UINT32, read_u32, write_u32 },
    { OCT_INT64, read_s64, write_s64 }, { OCT_BOOL, read_bool, write_bool },
};

typedef struct params { read_fn read; write_fn write; } params;

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    return oct_op_set_shape(op, 0, op->out[0]->type, in->rank, in->dims, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    for (size_t i = 0; i < sizeof access / sizeof *access; i++) {
        if (access[i].type == op->in[0]->type)
            p->read = access[i].read;
        if (access[i].type == op->out[0]->type)
            p->write = access[i].write;
    }
    if (p->read == NULL || p->write == NULL)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "no conversion from %s to %s",
            oct_type_name(op->in[0]->type), oct_type_name(op->out[0]->type));
    return OCT_OK;
}

static void cast_row(const void *user, size_t n, const void *x, void *y)
{
    const params *p = user;
    for (size_t i = 0; i < n; i++)
        p->write(y, i, p->read(x, i));
}

static oct_status eval(oct_op *op, oct_error *err)
{
    (void)err;
    oct_unary_run(op, oct_type_size(op->in[0]->type), oct_type_size(op->out[0]->type), cast_row,
        op->prepared);
    return OCT_OK;
}

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *out = oct_node_output(sub, node, 0);
    oct_type a = oct_node_type(sub, node, 0), b = out != NULL ? out->type : OCT_TYPE_COUNT;
#define EITHER(type) (a == (type) || b == (type))
    if (EITHER(OCT_FLOAT8_E4M3FN) || EITHER(OCT_FLOAT8_E5M2))
        return 9;
    if (EITHER(OCT_INT2) || EITHER(OCT_UINT4))
        return 8;
    if (EITHER(OCT_BFLOAT16))
        return 7;
    if (a == OCT_INT4 && b == OCT_FLOAT32)
        return 6;
    if (EITHER(OCT_FLOAT64) || EITHER(OCT_FLOAT16))
        return 5;
    if (EITHER(OCT_UINT16))
        return 4;
    if (EITHER(OCT_INT8))
        return 3;
    return EITHER(OCT_UINT32) ? 2 : 1;
#undef EITHER
}

const oct_op_def oct_op_cast = {
    .name = "CAST", .code = OCT_OP_CAST, .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Cast, .version = version,
    .runtime = "1.5 2.7 2.8 2.9 2.12 2.15 2.17 2.21 2.23", .infer = infer, .prepare = prepare,
    .ref = { [OCT_FORM_ANY] = { .eval = eval } },
};
