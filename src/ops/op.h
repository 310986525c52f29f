/*
 * What is known about one operator, as one descriptor in its family's file.
 *
 * A session calls, for each node in order: infer (output shapes), prepare (all checks, derived constants),
 * the kernel's own prepare (packing), then eval as often as it runs. Whatever another part must know
 * about an operator is a field or a trait here: nothing outside src/ops switches on operator codes.
 */
#ifndef OCT_OPS_OP_H
#define OCT_OPS_OP_H

#include "base/arena.h"
#include "base/error.h"
#include "base/pool.h"
#include "graph/graph.h"

/* The arithmetic a node is computed in. ANY: moves or reads data of whatever type. */
#define OCT_FORM_LIST(X)                                                                           \
    X(ANY, "any")                                                                                  \
    X(F32, "float32")                                                                              \
    X(HYBRID, "hybrid")                                                                            \
    X(S8, "int8")                                                                                  \
    X(U8, "uint8")                                                                                 \
    X(S16, "int16")                                                                                \
    X(I32, "int32")                                                                                \
    X(I64, "int64")                                                                                \
    X(BOOL, "bool")

typedef enum oct_form {
#define OCT_FORM_ENUM(name, text) OCT_FORM_##name,
    OCT_FORM_LIST(OCT_FORM_ENUM)
#undef OCT_FORM_ENUM
    OCT_FORM_COUNT
} oct_form;

/* A tensor as kernels see it. */
typedef struct oct_value {
    oct_type type;          /* int4 and int2 tensors have int8 values in sessions */
    int32_t code_bits;      /* 4 or 2 for those, otherwise 0 */
    int32_t rank;
    const int32_t *dims;    /* [rank] */
    void *data;             /* NULL until planned; constants: do not write */
    size_t size;            /* bytes */
    const oct_quant *quant;
    bool known;             /* the value is available while planning: constant, or computed from shapes */
    bool variable;          /* keeps its value from run to run; nodes may write to it as an input */
    bool late;              /* shape and value exist only while running: they follow from data */
    /* Extrema on the way, for hybrid kernels: whether the node that writes the value folds what it
     * writes into range [OCT_RANGE_STEP * workers]; NULL until a node that reads it asks for them. */
    bool folds_range;
    struct oct_float_range *range;
    const char *label;      /* for messages */
} oct_value;

enum { OCT_RANGE_STEP = 8 }; /* a cache line for each worker */

enum { OCT_MAX_SCRATCH = 4 };

typedef struct oct_op oct_op;
typedef oct_status (*oct_eval_fn)(oct_op *op, oct_error *err);

/* What control flow and variables ask of the session they run in. */
typedef struct oct_host oct_host;
struct oct_host {
    /**
     * Runs a subgraph on copies of the inputs. *out [*out_count] are its results; they belong to the host
     * and live until that subgraph is called again from the same one.
     */
    oct_status (*call)(oct_host *host, int32_t subgraph, oct_value *const *in, int32_t in_count,
        oct_value *const **out, int32_t *out_count, oct_error *err);
    /** Runs a subgraph without inputs and outputs, unless this host has done so before. */
    oct_status (*call_once)(oct_host *host, int32_t subgraph, oct_error *err);
    /** The number of a variable, made when first named; -1 when memory is short. Names may be NULL. */
    int32_t (*variable)(oct_host *host, const char *container, const char *name);
    /** The value of a variable until it is assigned again; NULL while it has none. */
    const oct_value *(*read)(oct_host *host, int32_t variable);
    /** Copies a value into a variable. */
    oct_status (*assign)(oct_host *host, int32_t variable, const oct_value *value, oct_error *err);
};

/* One node in a session: what infer, prepare and eval see. */
struct oct_op {
    const oct_node *node;
    const void *options;    /* node->options */
    oct_value **in;         /* [in_count]; NULL where an optional input is left out */
    oct_value **out;        /* [out_count] */
    int32_t in_count, out_count;
    oct_value **intermediates; /* [intermediate_count] of LSTM: their quantization */
    int32_t intermediate_count;
    oct_form form;
    void *prepared;         /* the operator's constants, made by prepare with oct_op_alloc() */
    void *packed;           /* the fast kernel's own, made by its prepare */
    void *scratch[OCT_MAX_SCRATCH]; /* planned memory, 64-byte aligned; valid during eval only */
    size_t scratch_bytes[OCT_MAX_SCRATCH];
    oct_pool *pool;         /* NULL: serial */
    oct_arena *arena;       /* lives as long as the session */
    oct_eval_fn eval;
    oct_eval_fn fused;      /* NULL, or what runs instead of eval and does the work of the node before too */
    bool absorbed;          /* the node that follows does this one's work where nobody looks at the output */
    oct_host *host;         /* NULL where nothing runs, as in constant folding */
    bool *late;             /* where oct_op_need_run() leaves word while planning; NULL: nobody asks */
    bool postponed;         /* each run plans it anew: its shapes follow from data */
    bool running;           /* planned in the middle of a run: every input has its value */
};

typedef struct oct_kernel {
    /**
     * Packs weights and asks for scratch; NULL: nothing to do. Sets *usable to false (it is true before)
     * where the kernel does not cover this node; the session then falls back to ref.
     */
    oct_status (*prepare)(oct_op *op, bool *usable, oct_error *err);
    oct_eval_fn eval; /* NULL: no kernel of this form */
} oct_kernel;

/* What a tensor slot of an operator is to the quantizer. */
typedef enum oct_role {
    OCT_ROLE_NONE,   /* not quantized: indices, shapes, axes */
    OCT_ROLE_ACT,    /* activation, or a constant quantized like one (asymmetric, full range) */
    OCT_ROLE_WEIGHT, /* affine coefficient: symmetric, narrow range, per channel along weight_axis */
    OCT_ROLE_BIAS,   /* int32 (int64 for int16 activations) with scale s_in * s_w */
} oct_role;

/* How an operator's quantization parameters hang together. */
typedef enum oct_link {
    OCT_LINK_FREE,  /* each activation has its own parameters */
    OCT_LINK_SAME,  /* activations in and out share one set of parameters */
    OCT_LINK_FIXED, /* outputs have the parameters of `fixed` */
} oct_link;

/* How constants are treated in dynamic-range mode. */
typedef enum oct_dynamic {
    OCT_DYNAMIC_NONE,        /* stays float */
    OCT_DYNAMIC_HYBRID,      /* int8 weights straight into the operator */
    OCT_DYNAMIC_WEIGHT_ONLY, /* int8 weights behind a DEQUANTIZE */
} oct_dynamic;

enum { OCT_NARROW_S8 = 1, OCT_NARROW_S16 = 2, OCT_NARROW_HYBRID = 4 };

enum { OCT_RULE_SLOTS = 4 };

/* The quantization rule as data. Slots past the last one listed repeat it (variadic operators). */
typedef struct oct_quant_rule {
    uint8_t in[OCT_RULE_SLOTS];  /* oct_role by input slot */
    uint8_t in_slots;            /* how many of `in` are given; 0: operator is not quantizable */
    uint8_t out[2];
    uint8_t out_slots;
    int8_t weight_axis;          /* per-channel axis of the WEIGHT slot; -1: per tensor */
    oct_link link;
    struct { float scale; int32_t zero_point; } fixed[3]; /* int8, uint8, int16: see OCT_FIXED_* */
    bool s8, s16;                /* forms that TensorFlow Lite has for it */
    bool s16_constants_as_activations; /* int16x8: constants of ACT slots become int16 */
    oct_dynamic dynamic;
    uint8_t dynamic_slot;        /* input that dynamic-range mode quantizes */
    uint64_t dynamic_more;       /* inputs quantized along with it, all or none; bit i = input i */
    int8_t dynamic_axis;         /* its per-channel axis, -1 per tensor */
    uint8_t narrow;              /* OCT_NARROW_*: forms whose kernels in LiteRT take 4-bit weights */
    bool dynamic_asymmetric;     /* the options have asymmetric_quantize_inputs, to be set */
    uint8_t overwrites;          /* inputs, bit i = input i, whose memory LiteRT may give to output 0:
                                    TFLiteConverter then calibrates that input with both values */
} oct_quant_rule;

enum { OCT_FIXED_S8, OCT_FIXED_U8, OCT_FIXED_S16 };

/* Traits: facts about an operator that other parts use. */
enum {
    OCT_TRAIT_INPLACE = 1 << 0,     /* output 0 may overwrite input 0 when shapes and types agree */
    OCT_TRAIT_VIEW = 1 << 1,        /* output 0 has the bytes of input 0 (RESHAPE) */
    OCT_TRAIT_SHAPE_ONLY = 1 << 2,  /* outputs depend on the shapes of inputs only (SHAPE) */
    OCT_TRAIT_FUSES_RELU = 1 << 3,  /* options have fused_activation and the kernels honour it */
    OCT_TRAIT_STATEFUL = 1 << 4,    /* not to be removed or folded */
    OCT_TRAIT_DEQUANTIZES = 1 << 5, /* turns a quantized or float16 tensor into float32 */
    OCT_TRAIT_QUANTIZES = 1 << 6,   /* turns a float tensor into an integer one, or requantizes */
    OCT_TRAIT_LINEAR = 1 << 7,      /* conv-like: BN folds into the WEIGHT and BIAS slots of its rule */
    OCT_TRAIT_SUMS = 1 << 8,        /* output 0 is input 0 plus or minus input 1 */
    OCT_TRAIT_DENSIFIES = 1 << 9,   /* output 0 is the constant input 0 with its zeros */
    OCT_TRAIT_BY_CHANNEL = 1 << 10, /* a channel (last dimension) of output 0 comes from that channel of
                                       input 0 alone and scales with it */
};

typedef struct oct_op_def {
    const char *name;
    oct_builtin code;
    int32_t min_in, max_in, min_out, max_out; /* max -1: any number */
    oct_options_type options;                 /* expected options table; OCT_OPTIONS_NONE: none */
    uint32_t traits;
    oct_quant_rule quant;
    /** Version by the types, options and shapes of a node, as TensorFlow Lite's exporter counts. */
    int32_t (*version)(const oct_subgraph *sub, const oct_node *node);
    const char *runtime; /* first runtime of version 1, 2, ...: "1.5 1.14 2.3"; "-" for none */
    /** Sets rank, dims and type of every output value; may read known inputs. */
    oct_status (*infer)(oct_op *op, oct_error *err);
    /** All checks and derived constants (op->prepared). NULL: nothing to do. */
    oct_status (*prepare)(oct_op *op, oct_error *err);
    oct_kernel ref[OCT_FORM_COUNT];
    oct_kernel fast[OCT_FORM_COUNT];
    /**
     * Sets op->fused where one evaluation can do the work of op and of the node before it, whose only
     * output is read by op alone; both are prepared, both run fast kernels. Same results as without.
     * NULL: never.
     */
    oct_status (*absorb)(oct_op *op, const oct_op *before, oct_error *err);
} oct_op_def;

/** The descriptor of a builtin operator; NULL when Octavo does not know it. */
const oct_op_def *oct_op_find(oct_builtin op);

/**
 * True when a node has as many inputs and outputs as its operator takes and none of those it needs is left
 * out: what descriptors' functions rely on. Graphs from files are not sure to.
 */
bool oct_op_accepts(const oct_op_def *def, const oct_node *node);

/** The descriptor of a custom operator by its name; NULL when Octavo does not know it. */
const oct_op_def *oct_op_find_custom(const char *name);

/** The descriptor for a node, builtin or custom; NULL when Octavo does not know it. */
const oct_op_def *oct_op_of(const oct_node *node);

/** Why Octavo has no kernel for an operator that LiteRT computes; NULL: it has one, or LiteRT has none. */
const char *oct_op_absence(oct_builtin op);

/** All descriptors in the order of ops.def, custom ones last; *count of them. */
const oct_op_def *const *oct_op_all(int32_t *count);

/**
 * The form a node is computed in, from the types of its tensors: a float input with int8 weights is
 * HYBRID, otherwise the type of the first activation; ANY where the operator has only that.
 * OCT_FORM_COUNT where the operator has no kernel for these types.
 */
oct_form oct_op_form(const oct_op_def *def, const oct_op *op);

/** Role of an input or output slot by the rule; slots past the last one listed repeat it. */
oct_role oct_op_input_role(const oct_op_def *def, int32_t slot);
oct_role oct_op_output_role(const oct_op_def *def, int32_t slot);

/** "int8"; static storage. */
const char *oct_form_name(oct_form form);

/* For infer, prepare and eval. */

/** size zeroed bytes that live as long as the session; NULL when memory is short. */
void *oct_op_alloc(oct_op *op, size_t size);

/** Sets the shape of output `index` (dims copied) and its type. */
oct_status oct_op_set_shape(oct_op *op, int32_t index, oct_type type, int32_t rank,
    const int32_t *dims, oct_error *err);

/** Fails with "NODE: sentence": OCT_E_INVALID or OCT_E_UNSUPPORTED; NODE is output 0's label. */
oct_status oct_op_fail(const oct_op *op, oct_status status, oct_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/**
 * For infer: succeeds in the middle of a run, when inputs have their values. While planning it fails, and
 * the session plans this node anew in every run, with all that depends on it.
 */
oct_status oct_op_need_run(const oct_op *op, oct_error *err);

/** Bits that an element takes in memory: resources are int32 numbers of variables; 0: cannot be held. */
int32_t oct_value_bits(oct_type type);

/** Broadcast of two shapes (numpy rule) into dims[8]; false when they do not fit. */
bool oct_shape_broadcast(const oct_value *a, const oct_value *b, int32_t *rank, int32_t *dims);

/** infer for operators whose output 0 has the shape and type of input 0. */
oct_status oct_infer_same_as_input(oct_op *op, oct_error *err);

/** infer for element-wise operators with two broadcast inputs. */
oct_status oct_infer_broadcast(oct_op *op, oct_error *err);

/* Whole-graph services over the descriptors. */

/**
 * Sets every known node's version by its rule (an operator's version is the maximum over its users, as the
 * exporter does) and the metadata entry min_runtime_version. Unknown operators keep what they had.
 */
oct_status oct_ops_assign_versions(oct_graph *graph, oct_error *err);

#endif
