/*
 * Recipes: what each layer is to become, by rules in a JSON file. docs/recipes.md describes them.
 */
#ifndef OCTAVO_RECIPE_H
#define OCTAVO_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <octavo/error.h>
#include <octavo/quantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * Reads a recipe: Octavo's, or a list of AI Edge Quantizer's where that says nothing Octavo cannot do.
 *
 * out  owned by the caller, oct_recipe_free(); NULL after failure.
 * Errors: OCT_E_INVALID and OCT_E_UNSUPPORTED begin with "FILE:LINE:COLUMN: "; OCT_E_SYSTEM, OCT_E_MEMORY.
 */
oct_status oct_recipe_load(const char *path, oct_recipe **out, oct_error *err);

/** The same from a text of `size` bytes; `name` stands in messages for the file. Nothing is borrowed. */
oct_status oct_recipe_parse(
    const char *text, size_t size, const char *name, oct_recipe **out, oct_error *err);

void oct_recipe_free(oct_recipe *recipe);

/** The form that its defaults give to layers no rule names; false: they leave it to the options. */
bool oct_recipe_mode(const oct_recipe *recipe, oct_mode *mode);

/**
 * What options->recipe makes of a float model, layer by layer.
 *
 * text    a recipe with one rule for every layer, which gives the same model; ends with a newline.
 *         Owned by the caller, free(); NULL after failure.
 * unused  a line "line N: RULE" for each rule that no layer follows, "" when there is none; as text. May be NULL.
 * Errors: OCT_E_INVALID for rules that contradict each other or ask for a form that a layer cannot have,
 * those of oct_quantize() about the model.
 */
oct_status oct_recipe_resolve(const oct_model *model, const oct_quant_options *options, char **text,
    char **unused, oct_error *err);

/** Writes such a text as a file (temporary file, synced, renamed). Errors: OCT_E_SYSTEM, OCT_E_MEMORY. */
oct_status oct_recipe_save(const char *text, const char *path, oct_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
