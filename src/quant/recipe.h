/*
 * Recipes inside the library: rules in order, of which the last that says something of a layer counts.
 */
#ifndef OCT_QUANT_RECIPE_H
#define OCT_QUANT_RECIPE_H

#include <regex.h>
#include <jansson.h>
#include <octavo/recipe.h>

#include "base/arena.h"
#include "base/error.h"
#include "quant/settings.h"

/* Which settings a rule has. */
enum {
    OCT_SETS_FORM = 1 << 0,
    OCT_SETS_GRANULARITY = 1 << 1,
    OCT_SETS_RANGE = 1 << 2,
    OCT_SETS_EFFORT = 1 << 3,
    OCT_SETS_KEEP = 1 << 4, /* the form, whatever rules say of it later */
    OCT_SETS_MIN_ELEMENTS = 1 << 5,
    OCT_SETS_BITS = 1 << 6,
};

typedef struct oct_rule {
    size_t at;                 /* where it begins in the text */
    const char *layer;         /* exactly this one, or NULL */
    const char *pattern;       /* those whose names have a match, or NULL */
    regex_t regex;             /* of pattern */
    oct_builtin *ops;          /* [op_count]; 0: of any operator */
    int32_t op_count;
    const char *subgraph, *signature; /* or NULL */
    unsigned sets;
    oct_setting value;         /* what it sets */
} oct_rule;

struct oct_recipe {
    oct_arena arena;
    const char *name, *text; /* for messages; the text ends with 0 */
    size_t size;
    bool foreign;            /* AI Edge Quantizer's: names of layers end with ';' */
    unsigned sets;           /* of the defaults */
    oct_setting base;
    bool integer_io;         /* the default is int8-full */
    oct_rule *rules;         /* [count] */
    int32_t count;
};

/** Fails with "FILE:LINE:COLUMN: sentence" for a place in the recipe's text. */
oct_status oct_recipe_fail(const oct_recipe *recipe, size_t at, oct_status status, oct_error *err,
    const char *format, ...) __attribute__((format(printf, 5, 6)));

/** Line, counted from 1, of a place in the text. */
int32_t oct_recipe_line(const oct_recipe *recipe, size_t at);

/*
 * Places in a JSON text that is known to be sound: jansson keeps none.
 */

/** Where the value of a member begins, in the object at `at`; `at` when it is not found. */
size_t oct_json_member(const char *text, size_t at, const char *key);

/** Where an element begins, in the array at `at`. */
size_t oct_json_element(const char *text, size_t at, size_t index);

/** Compiles rule->pattern. Errors: one that is no extended POSIX expression, or costs too much. */
oct_status oct_rule_compile(const oct_recipe *recipe, oct_rule *rule, size_t at, oct_error *err);

/** Reads an array of AI Edge Quantizer's entries, which begins at `at`, into the recipe's rules. */
oct_status oct_recipe_read_foreign(
    oct_recipe *recipe, const json_t *entries, size_t at, oct_error *err);

/** Whether an operator has a form; float32 and float16 all have. */
bool oct_node_has_form(const oct_node *node, oct_mode form);

/** Options with the defaults of their recipe in place; as they are without one. */
oct_quant_options oct_recipe_options(const oct_quant_options *options);

/**
 * The settings of all nodes of a float graph.
 *
 * options  as oct_recipe_options() gives them.
 * out      in the arena.
 * used     [recipe->count]: whether some layer follows a rule; may be NULL.
 */
oct_status oct_recipe_settle(const oct_recipe *recipe, const oct_graph *graph,
    const oct_quant_options *options, oct_arena *arena, oct_settings *out, bool *used, oct_error *err);

/** oct_recipe_resolve() for a graph that is prepared for quantization. */
oct_status oct_recipe_resolve_graph(const oct_graph *graph, const oct_quant_options *options,
    char **text, char **unused, oct_error *err);

#endif
