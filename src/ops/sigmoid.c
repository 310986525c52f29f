/*
 * LOGISTIC and TANH: two views of one function, tanh(x) = 2 * logistic(2x) - 1.
 *
 * int8: a table of the float function. int16: linear interpolation in a table of the logistic function
 * at steps of 1/24, after the input has been brought to that grid.
 * Sources: LiteRT tflite/kernels/activations.cc, internal/reference/integer_ops/logistic.h, tanh.h.
 */
#include <math.h>

#include "kernels/sigmoid.h"
#include "ops/arith.h"
#include "ops/unary.h"
#include "ops/version.h"

/*
 * 65536 * logistic(i / 24). Not the rounded function: every fourth entry of the lower half is one above
 * it, so the values were read back from LiteRT's int16 TANH (ai-edge-litert), entry by entry.
 */
static const uint16_t logistic_table[256] = {
    32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149,
    40794, 41432, 42064, 42688, 43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369,
    47911, 48443, 48964, 49475, 49975, 50464, 50942, 51409, 51865, 52311, 52745, 53169,
    53581, 53983, 54374, 54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433,
    57724, 58007, 58280, 58544, 58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370,
    60565, 60753, 60935, 61110, 61279, 61441, 61599, 61750, 61896, 62036, 62172, 62302,
    62428, 62549, 62666, 62778, 62886, 62990, 63090, 63186, 63279, 63368, 63454, 63536,
    63615, 63691, 63765, 63835, 63903, 63968, 64030, 64090, 64148, 64204, 64257, 64308,
    64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652, 64687, 64721, 64754, 64786,
    64816, 64845, 64873, 64900, 64926, 64950, 64974, 64997, 65019, 65039, 65060, 65079,
    65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208, 65221, 65234, 65246, 65258,
    65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360, 65367,
    65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433,
    65438, 65442, 65445, 65449, 65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474,
    65476, 65479, 65481, 65483, 65485, 65488, 65489, 65491, 65493, 65495, 65497, 65498,
    65500, 65501, 65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513,
    65514, 65515, 65516, 65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522,
    65523, 65523, 65524, 65524, 65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528,
    65528, 65528, 65529, 65529, 65529, 65529, 65530, 65530, 65530, 65530, 65531, 65531,
    65531, 65531, 65531, 65532, 65532, 65532, 65532, 65532, 65532, 65533, 65533, 65533,
    65533, 65533, 65533, 65533, 65533, 65534, 65534, 65534, 65534, 65534, 65534, 65534,
    65534, 65534, 65534, 65535,
};

typedef struct grid {
    bool power_of_two; /* x * (3 << shift); else (x * factor + half) >> shift */
    int32_t factor, shift;
} grid;

/* logistic of moderate x; outside, where it equals exp(x) or 1 in float, that. */
static float logistic_f32(float x)
{
    if (x > 16.619047164916992188f)
        return 1.f;
    return x < -9.f ? expf(x) : 1.f / (1.f + expf(-x));
}

static float logistic_for_table(float x) { return 1.f / (1.f + expf(-x)); }
static float tanh_for_table(float x) { return tanhf(x); }

static inline float each_logistic(const grid *p, float x) { (void)p; return logistic_f32(x); }
static inline float each_tanh(const grid *p, float x) { (void)p; return tanhf(x); }
OCT_UNARY_EVAL(each_logistic, float, float, grid)
OCT_UNARY_EVAL(each_tanh, float, float, grid)

/* The input on the table's grid: codes times scale * 4096 * 3. */
static inline int32_t grid_argument(const grid *g, int32_t x)
{
    if (g->power_of_two)
        return x * (3 << g->shift);
    return (int32_t)(((int64_t)x * g->factor + ((INT64_C(1) << g->shift) >> 1)) >> g->shift);
}

/* logistic_table at |a| with `bits` fraction bits, the result with them too; `top` past its end. */
static inline int32_t interpolate(int32_t a, int32_t bits, int32_t top)
{
    uint32_t magnitude = a < 0 ? 0u - (uint32_t)a : (uint32_t)a;
    uint32_t index = magnitude >> bits, part = magnitude & ((1u << bits) - 1);
    if (index >= 255)
        return top;
    int32_t left = logistic_table[index], right = logistic_table[index + 1];
    return left * (1 << bits) + (int32_t)part * (right - left);
}

static inline int16_t logistic_s16(const grid *g, int16_t x)
{
    int32_t a = grid_argument(g, x);
    int32_t r = interpolate(a, 9, 0x7fff << 10);
    return (int16_t)((a >= 0 ? r + (1 << 9) : (1 << 25) - r + (1 << 9) - 1) >> 10);
}

static inline int16_t tanh_s16(const grid *g, int16_t x)
{
    int32_t a = grid_argument(g, x);
    int32_t r = interpolate(a, 8, 0xffff << 8);
    return (int16_t)((a >= 0 ? r - (1 << 23) + (1 << 7) : -r + (1 << 23) + (1 << 7) - 1) >> 8);
}
OCT_UNARY_EVAL(logistic_s16, int16_t, int16_t, grid)
OCT_UNARY_EVAL(tanh_s16, int16_t, int16_t, grid)

/* Scales that are powers of two, 2^-12 (TANH: also 2^-11), need no rounding. */
static oct_status prepare_s16(oct_op *op, int32_t largest_shift, oct_error *err)
{
    grid *g = oct_op_alloc(op, sizeof *g);
    if (g == NULL)
        return oct_fail_memory(err, sizeof *g, op->out[0]->label);
    op->prepared = g;
    float scale = oct_value_scale(op->in[0]);
    float log2_scale = logf(scale) * (1.0f / logf(2.0f)), whole = roundf(log2_scale);
    g->shift = (int32_t)whole + 12;
    g->power_of_two = fabsf(log2_scale - whole) < 1e-3f && g->shift >= 0 && g->shift <= largest_shift;
    if (g->power_of_two)
        return OCT_OK;
    double factor = (double)scale * 4096 * 3;
    for (g->shift = 0; factor <= 32767.0 / 2 && g->shift <= 30; g->shift++)
        factor *= 2;
    if (factor >= 1 << 15)
        return oct_op_fail(op, OCT_E_INVALID, err, "%s: scale %g is too large", op->in[0]->label,
            (double)scale);
    g->factor = (int32_t)factor;
    return OCT_OK;
}

/* The output's parameters are those of the operator: nothing else fits its range. */
static oct_status prepare(oct_op *op, float (*f)(float), int32_t largest_shift, oct_error *err)
{
    if (op->form == OCT_FORM_F32)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, op->in[0], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    if (op->form != OCT_FORM_S16)
        return oct_table8_prepare_real(op, f, err);
    if (oct_value_scale(op->out[0]) != 1.f / 32768)
        return oct_op_fail(op, OCT_E_INVALID, err, "output scale %g, but int16 results have 1/32768",
            (double)oct_value_scale(op->out[0]));
    return prepare_s16(op, largest_shift, err);
}

static oct_status prepare_logistic(oct_op *op, oct_error *err)
{
    if (op->form == OCT_FORM_S8 && oct_value_scale(op->out[0]) != 1.f / 256)
        return oct_op_fail(op, OCT_E_INVALID, err, "output scale %g, but int8 results have 1/256",
            (double)oct_value_scale(op->out[0]));
    return prepare(op, logistic_for_table, 0, err);
}

static oct_status prepare_tanh(oct_op *op, oct_error *err)
{
    return prepare(op, tanh_for_table, 1, err);
}

/* The fast float forms: kernels of the processor at hand, chosen when a session is made. */
#define FAST_F32(name)                                                                             \
    static oct_status prepare_fast_##name(oct_op *op, bool *usable, oct_error *err)                \
    {                                                                                              \
        (void)err;                                                                                 \
        *usable = true;                                                                            \
        op->packed = (void *)(uintptr_t)oct_sigmoid_set_of(oct_cpu_level());                       \
        return OCT_OK;                                                                             \
    }                                                                                              \
    static void row_fast_##name(const void *user, size_t n, const void *x, void *y)                \
    {                                                                                              \
        ((const oct_sigmoid_set *)user)->name(n, x, y);                                            \
    }                                                                                              \
    static oct_status eval_fast_##name(oct_op *op, oct_error *err)                                 \
    {                                                                                              \
        (void)err;                                                                                 \
        oct_unary_run(op, sizeof(float), sizeof(float), row_fast_##name, op->packed);              \
        return OCT_OK;                                                                             \
    }
FAST_F32(logistic)
FAST_F32(tanh)

#define COMMON(NAME)                                                                               \
    .name = #NAME, .code = OCT_OP_##NAME, .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 1,    \
    .traits = OCT_TRAIT_INPLACE, .version = oct_version_s8_2_s16_3, .runtime = "1.14 1.14 2.3",    \
    .infer = oct_infer_same_as_input
#define RULE(s8_scale, s8_zero, u8_zero)                                                           \
    { .in = { OCT_ROLE_ACT }, .in_slots = 1, .out = { OCT_ROLE_ACT }, .out_slots = 1,              \
        .weight_axis = -1, .link = OCT_LINK_FIXED, .s8 = true, .s16 = true,                        \
        .fixed = { [OCT_FIXED_S8] = { s8_scale, s8_zero }, [OCT_FIXED_U8] = { s8_scale, u8_zero }, \
            [OCT_FIXED_S16] = { 1.f / 32768, 0 } } }

const oct_op_def oct_op_logistic = {
    COMMON(LOGISTIC), .quant = RULE(1.f / 256, -128, 0), .prepare = prepare_logistic,
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_logistic },
        [OCT_FORM_S8] = { .eval = oct_table8_eval }, [OCT_FORM_U8] = { .eval = oct_table8_eval },
        [OCT_FORM_S16] = { .eval = eval_logistic_s16 } },
    .fast = { [OCT_FORM_F32] = { prepare_fast_logistic, eval_fast_logistic } },
};

const oct_op_def oct_op_tanh = {
    COMMON(TANH), .quant = RULE(1.f / 128, 0, 128), .prepare = prepare_tanh,
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_tanh },
        [OCT_FORM_S8] = { .eval = oct_table8_eval }, [OCT_FORM_U8] = { .eval = oct_table8_eval },
        [OCT_FORM_S16] = { .eval = eval_tanh_s16 } },
    .fast = { [OCT_FORM_F32] = { prepare_fast_tanh, eval_fast_tanh } },
};
