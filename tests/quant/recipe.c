/*
 * Recipes: what each kind of rule does to the layers of small graphs, and every sentence about a bad one.
 */
#include "passes/build.h"

#include <stdlib.h>

#include "ops/op.h"
#include "quant/quant.h"
#include "quant/recipe.h"
#include "report/schema.h"

/* x -> CONV_2D a -> CONV_2D b -> ADD c (with a) -> RESHAPE d. */
static built four_layers(void)
{
    static float weights[4 * 4];
    static const float bias[4] = { 0.5f, -1.f, 0.25f, 0.f };
    static const int32_t flat[2] = { 1, 16 };
    for (int i = 0; i < 16; i++)
        weights[i] = (float)(i % 5) * 0.3f - 0.5f;
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 2, 2, 4)), a = build_tensor(&b, "block_1/a", DIMS(1, 2, 2, 4));
    int32_t second = build_tensor(&b, "block_2/b", DIMS(1, 2, 2, 4));
    int32_t c = build_tensor(&b, "block_2/c", DIMS(1, 2, 2, 4)), d = build_tensor(&b, "d", DIMS(1, 16));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, weights, DIMS(4, 1, 1, 4));
    int32_t bias_a = build_constant(&b, "bias_a", OCT_FLOAT32, bias, DIMS(4));
    int32_t bias_b = build_constant(&b, "bias_b", OCT_FLOAT32, bias, DIMS(4));
    int32_t shape = build_constant(&b, "shape", OCT_INT32, flat, DIMS(2));
    build_conv(&b, x, w, bias_a, a, OCT_PADDING_SAME);
    build_conv(&b, a, w, bias_b, second, OCT_PADDING_SAME);
    build_node(&b, OCT_OP_ADD, OCT_OPTIONS_Add, LIST(a, second), c);
    build_node(&b, OCT_OP_RESHAPE, OCT_OPTIONS_Reshape, LIST(c, shape), d);
    build_finish(&b, x, d);
    return b;
}

static oct_recipe *parse(const char *text)
{
    oct_recipe *recipe;
    oct_error err = { 0 };
    if (oct_recipe_parse(text, strlen(text), "r.json", &recipe, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return recipe;
}

/* Settings of the four layers; `used` of the rules may be NULL. */
static oct_status settle(const oct_recipe *recipe, oct_setting out[4], bool *used, oct_error *err)
{
    built b = four_layers();
    oct_quant_options asked = { .mode = OCT_MODE_INT8, .recipe = recipe };
    oct_quant_options options = oct_recipe_options(&asked);
    oct_arena arena = { 0 };
    oct_settings settings = { .count = 0 };
    oct_status status = oct_recipe_settle(recipe, b.graph, &options, &arena, &settings, used, err);
    if (status == OCT_OK) {
        assert_int_equal(settings.count, 4);
        memcpy(out, settings.of, 4 * sizeof *out);
    }
    oct_arena_free(&arena);
    oct_graph_free(b.graph);
    return status;
}

static void forms(const char *text, oct_mode a, oct_mode b, oct_mode c, oct_mode d)
{
    oct_recipe *recipe = parse(text);
    oct_setting of[4];
    oct_error err = { 0 };
    if (settle(recipe, of, NULL, &err) != OCT_OK)
        fail_msg("%s", err.text);
    const oct_mode expected[4] = { a, b, c, d };
    for (int i = 0; i < 4; i++)
        if (of[i].form != expected[i])
            fail_msg("%s: layer %d is %s, expected %s", text, i, oct_mode_name(of[i].form),
                oct_mode_name(expected[i]));
    oct_recipe_free(recipe);
}

#define RULES(rules) "{\"octavo_recipe\": 1, \"rules\": [" rules "]}"

static const oct_mode F32 = OCT_MODE_FLOAT32, S8 = OCT_MODE_INT8, S16 = OCT_MODE_INT16X8, DYN = OCT_MODE_DYNAMIC;

static void test_which_layers(void **unused)
{
    (void)unused;
    forms(RULES(""), S8, S8, S8, S8);
    forms(RULES("{\"layer\": \"block_2/b\", \"form\": \"float32\"}"), S8, F32, S8, S8);
    forms(RULES("{\"layer\": \"block_2\", \"form\": \"float32\"}"), S8, S8, S8, S8);
    forms(RULES("{\"match\": \"^block_2/\", \"form\": \"float32\"}"), S8, F32, F32, S8);
    forms(RULES("{\"match\": \"[ab]$\", \"form\": \"float32\"}"), F32, F32, S8, S8);
    forms(RULES("{\"op\": \"ADD\", \"form\": \"int16x8\"}"), S8, S8, S16, S8);
    forms(RULES("{\"op\": [\"ADD\", \"RESHAPE\"], \"form\": \"float32\"}"), S8, S8, F32, F32);
    forms(RULES("{\"match\": \"2/\", \"op\": \"CONV_2D\", \"form\": \"float32\"}"), S8, F32, S8, S8);
    forms(RULES("{\"subgraph\": \"main\", \"op\": \"ADD\", \"form\": \"float32\"}"), S8, S8, F32, S8);
    forms(RULES("{\"subgraph\": \"other\", \"form\": \"float32\"}"), S8, S8, S8, S8);
    forms(RULES("{\"signature\": \"serving_default\", \"form\": \"float32\"}"), F32, F32, F32, F32);
    forms(RULES("{\"signature\": \"other\", \"form\": \"float32\"}"), S8, S8, S8, S8);
    forms("{\"octavo_recipe\": 1, \"default\": {\"form\": \"dynamic\"}}", DYN, DYN, DYN, DYN);
    /* An operator that lacks the form is passed over: the rule before counts. */
    forms(RULES("{\"form\": \"float32\"}, {\"form\": \"dynamic\"}"), DYN, DYN, F32, F32);
}

static void test_later_rules_win(void **unused)
{
    (void)unused;
    forms(RULES("{\"form\": \"float32\"}, {\"op\": \"CONV_2D\", \"form\": \"int8\"}"), S8, S8, F32, F32);
    forms(RULES("{\"op\": \"CONV_2D\", \"form\": \"int8\"}, {\"form\": \"float32\"}"), F32, F32, F32, F32);
    /* But what is kept stays, until another rule keeps it otherwise. */
    forms(RULES("{\"op\": \"ADD\", \"keep\": \"16-bit\"}, {\"form\": \"float32\"}"), F32, F32, S16, F32);
    forms(RULES("{\"op\": \"ADD\", \"keep\": \"16-bit\"}, {\"op\": \"ADD\", \"keep\": \"float\"}"), S8, S8, F32, S8);
    /* Rules without a form leave it alone. */
    forms(RULES("{\"op\": \"ADD\", \"form\": \"float32\"}, {\"effort\": \"high\"}"), S8, S8, F32, S8);
}

static void test_other_settings(void **unused)
{
    (void)unused;
    oct_recipe *recipe = parse("{\"octavo_recipe\": 1, \"default\": {\"range\": \"mse\", \"effort\": \"high\"},"
        "\"rules\": [{\"match\": \"a\", \"granularity\": \"tensor\", \"range\": \"percentile:99.5\"},"
        "{\"match\": \"b$\", \"effort\": \"none\", \"min_elements\": 7, \"bits\": 8}]}");
    oct_setting of[4];
    assert_int_equal(settle(recipe, of, NULL, NULL), OCT_OK);
    assert_true(of[0].per_tensor && !of[1].per_tensor);
    assert_int_equal(of[0].range, OCT_RANGE_PERCENTILE);
    assert_true(of[0].range_argument == 99.5);
    assert_int_equal(of[1].range, OCT_RANGE_MSE);
    assert_int_equal(of[0].effort, OCT_EFFORT_HIGH);
    assert_int_equal(of[1].effort, OCT_EFFORT_NONE);
    assert_int_equal(of[0].min_elements, OCT_MIN_ELEMENTS);
    assert_int_equal(of[1].min_elements, 7);
    oct_recipe_free(recipe);
}

/* Places of unused rules are told by the line. */
static void test_unused_rules(void **unused)
{
    (void)unused;
    oct_recipe *recipe = parse("{\"octavo_recipe\": 1, \"rules\": [\n{\"op\": \"ADD\", \"form\": \"float32\"},\n"
        "{\"layer\": \"nobody\", \"form\": \"float32\"},\n{\"op\": \"ADD\", \"form\": \"dynamic\"}]}");
    built b = four_layers();
    oct_quant_options options = { .mode = OCT_MODE_INT8, .recipe = recipe };
    char *text, *lines;
    assert_int_equal(oct_recipe_resolve_graph(b.graph, &options, &text, &lines, NULL), OCT_OK);
    assert_string_equal(lines, "line 3: {\"layer\": \"nobody\", \"form\": \"float32\"},\n"
        "line 4: {\"op\": \"ADD\", \"form\": \"dynamic\"}]}\n");
    free(text);
    free(lines);
    oct_graph_free(b.graph);
    oct_recipe_free(recipe);
}

/* What is printed is a recipe by the schema, and says the same again. */
static void test_resolved(void **unused)
{
    (void)unused;
    json_t *schema = json_load_file(OCT_TESTS_DIR "/../docs/recipe.schema.json", 0, NULL);
    assert_non_null(schema);
    oct_recipe *recipe = parse("{\"octavo_recipe\": 1, \"default\": {\"form\": \"int8-full\", \"range\": \"entropy\"},"
        "\"rules\": [{\"op\": \"ADD\", \"form\": \"int16x8\"}, {\"match\": \"a\", \"form\": \"weight-only\","
        "\"min_elements\": 0}, {\"layer\": \"d\", \"keep\": \"float\"}]}");
    built b = four_layers();
    oct_quant_options options = { .recipe = recipe };
    char *text, *again, fault[256];
    assert_int_equal(oct_recipe_resolve_graph(b.graph, &options, &text, NULL, NULL), OCT_OK);
    json_t *json = json_loads(text, 0, NULL);
    if (!schema_fits(schema, schema, json, "recipe", fault))
        fail_msg("%s does not fit the schema:\n%s", fault, text);
    oct_recipe *resolved = parse(text);
    options.recipe = resolved;
    assert_int_equal(oct_recipe_resolve_graph(b.graph, &options, &again, NULL, NULL), OCT_OK);
    assert_string_equal(text, again);
    oct_mode mode;
    assert_true(oct_recipe_mode(resolved, &mode));
    assert_int_equal(mode, OCT_MODE_INT8_FULL);
    free(text);
    free(again);
    json_decref(json);
    json_decref(schema);
    oct_graph_free(b.graph);
    oct_recipe_free(recipe);
    oct_recipe_free(resolved);
}

static void refuse(const char *text, oct_status status, const char *sentence)
{
    oct_recipe *recipe = NULL;
    oct_error err = { 0 };
    oct_setting of[4];
    oct_status found = oct_recipe_parse(text, strlen(text), "r.json", &recipe, &err);
    if (found == OCT_OK)
        found = settle(recipe, of, NULL, &err);
    if (found != status || strcmp(err.text, sentence) != 0)
        fail_msg("%s\n  status %d, expected %d\n  %s\n  expected: %s", text, found, status, err.text, sentence);
    oct_recipe_free(recipe);
}

static void test_sentences(void **unused)
{
    (void)unused;
    const oct_status bad = OCT_E_INVALID;
    refuse("{\"octavo_recipe\": 1,\n \"rules\": [}", bad, "r.json:2:12: unexpected token near '}'");
    refuse("7", bad, "r.json:1:1: '[' or '{' expected near '7'");
    refuse("{\"octavo_recipe\": 2}", bad, "r.json:1:19: \"octavo_recipe\": 1 is expected");
    refuse("{\"octavo_recipe\": 1, \"ruels\": []}", bad, "r.json:1:31: 'ruels' is no key of a recipe");
    refuse("{\"octavo_recipe\": 1, \"rules\": {}}", bad, "r.json:1:31: rules: a list is expected");
    refuse(RULES("7"), bad, "r.json:1:32: an object with settings is expected");
    refuse(RULES("\n  {\"op\": \"ADD\",\n   \"fomr\": 1}"), bad, "r.json:3:12: 'fomr' is no key of a rule");
    refuse("{\"octavo_recipe\": 1, \"default\": {\"op\": \"ADD\"}}", bad, "r.json:1:40: 'op' is no key of the defaults");
    refuse(RULES("{\"op\": \"ADD\"}"), bad, "r.json:1:32: the rule sets nothing");
    refuse(RULES("{\"layer\": \"\", \"form\": \"int8\"}"), bad, "r.json:1:42: layer: a name is expected");
    refuse(RULES("{\"op\": [\"ADD\", \"AD\"], \"form\": \"int8\"}"), bad,
        "r.json:1:47: op: TensorFlow Lite has no operator 'AD'");
    refuse(RULES("{\"form\": \"int9\"}"), bad,
        "r.json:1:41: form: float32, float16, dynamic, weight-only, int8 or int16x8 is expected");
    refuse(RULES("{\"form\": \"int8-full\"}"), bad, "r.json:1:41: int8-full is about the model's inputs and outputs: "
        "it belongs to the defaults; layers are int8");
    refuse(RULES("{\"bits\": 5}"), bad, "r.json:1:41: bits: 8 or 4 is expected");
    refuse(RULES("{\"granularity\": \"row\"}"), bad, "r.json:1:48: granularity: tensor or channel is expected");
    refuse(RULES("{\"range\": \"mse:3\"}"), bad,
        "r.json:1:42: range: minmax, moving-average, percentile[:99.999], mse or entropy is expected");
    refuse(RULES("{\"effort\": \"heroic\"}"), bad, "r.json:1:43: effort: none, default or high is expected");
    refuse(RULES("{\"keep\": \"8-bit\"}"), bad, "r.json:1:41: keep: float or 16-bit is expected");
    refuse(RULES("{\"min_elements\": -1}"), bad, "r.json:1:49: min_elements: a number of weights is expected");
    refuse(RULES("{\"match\": \"(\", \"form\": \"int8\"}"), bad,
        "r.json:1:42: the pattern is no regular expression: Unmatched ( or \\(");
    refuse(RULES("{\"match\": \"(a)\\\\1\", \"form\": \"int8\"}"), bad, "r.json:1:42: the pattern refers back to a group");
    refuse(RULES("{\"match\": \"a{9}{99}\", \"form\": \"int8\"}"), bad,
        "r.json:1:42: the pattern repeats more than 100 times");
    refuse(RULES("{\"match\": \"\\\\d\", \"form\": \"int8\"}"), bad,
        "r.json:1:42: the pattern has \\d, which POSIX writes [0-9]");
    refuse(RULES("{\"match\": \"(?:a)\", \"form\": \"int8\"}"), bad,
        "r.json:1:42: the pattern has (?, which POSIX expressions do not know");
    refuse(RULES("{\"match\": \"a*?\", \"form\": \"int8\"}"), bad, "r.json:1:42: the pattern has a repetition that is "
        "lazy or possessive, which POSIX expressions do not know");
}

static void test_contradictions(void **unused)
{
    (void)unused;
    const oct_status bad = OCT_E_INVALID;
    refuse(RULES("{\"keep\": \"float\", \"form\": \"int8\"}"), bad,
        "r.json:1:41: keep says what the form is, and so does form in the same rule");
    refuse(RULES("{\"layer\": \"d\", \"match\": \"d\", \"form\": \"int8\"}"), bad,
        "r.json:1:56: a rule has a layer or a match, not both");
    refuse(RULES("{\"form\": \"dynamic\", \"range\": \"mse\"}"), bad,
        "r.json:1:61: range: activations of dynamic layers have none");
    refuse(RULES("{\"keep\": \"float\", \"granularity\": \"tensor\"}"), bad,
        "r.json:1:65: granularity: weights of float32 layers have no scales");
    refuse(RULES("{\"form\": \"float16\", \"bits\": 8}"), bad, "r.json:1:60: bits: weights of float16 layers are floats");
    refuse(RULES("{\"layer\": \"d\", \"form\": \"dynamic\"}"), bad, "r.json:1:32: d: RESHAPE has no dynamic form");
    refuse(RULES("{\"layer\": \"d\", \"form\": \"int8\"},\n{\"layer\": \"d\", \"form\": \"int16x8\"}"), bad,
        "r.json:2:1: d: int16x8 here, int8 by the rule in line 1");
}

/* AI Edge Quantizer's. */

#define WEIGHTS(bits) "\"weight_tensor_config\": {\"num_bits\": " bits                              \
    ", \"symmetric\": true, \"granularity\": \"CHANNELWISE\", \"dtype\": \"INT\"}"
#define ACTIVATIONS(bits, symmetric) "\"activation_tensor_config\": {\"num_bits\": " bits           \
    ", \"symmetric\": " symmetric ", \"granularity\": \"TENSORWISE\", \"dtype\": \"INT\"}, "
#define COMPUTE(precision, expands) ", \"compute_precision\": \"" precision                        \
    "\", \"explicit_dequantize\": " expands ", \"skip_checks\": false, \"min_weight_elements\": 0"
#define ENTRY(regex, op, config) "{\"regex\": \"" regex "\", \"operation\": \"" op                   \
    "\", \"algorithm_key\": \"min_max_uniform_quantize\", \"op_config\": {" config "}}"
#define STATIC8 ACTIVATIONS("8", "false") WEIGHTS("8") COMPUTE("INTEGER", "false")

static void test_foreign(void **unused)
{
    (void)unused;
    forms("[" ENTRY(".*", "*", STATIC8) "]", S8, S8, S8, S8);
    forms("[" ENTRY(".*", "CONV_2D", STATIC8) "]", S8, S8, F32, F32);
    forms("[" ENTRY("block_1/a;$", "*", STATIC8) "]", S8, F32, F32, F32);
    forms("[" ENTRY(".*", "*", ACTIVATIONS("16", "true") WEIGHTS("8") COMPUTE("INTEGER", "false")) "]", S16, S16,
        S16, S16);
    forms("[" ENTRY(".*", "*", WEIGHTS("8") COMPUTE("INTEGER", "false")) "]", DYN, DYN, F32, F32);
    forms("[" ENTRY(".*", "*", WEIGHTS("8") COMPUTE("FLOAT", "true")) "]", OCT_MODE_WEIGHT_ONLY,
        OCT_MODE_WEIGHT_ONLY, F32, F32);
    forms("[" ENTRY(".*", "*", STATIC8) ", {\"regex\": \"2/b\", \"operation\": \"*\", \"algorithm_key\": "
        "\"no_quantize\"}]", S8, F32, S8, S8);
    /* The second entry of an expression stands where the first does, and one for all replaces it. */
    forms("[" ENTRY(".*", "CONV_2D", STATIC8) "," ENTRY("2/b", "CONV_2D", WEIGHTS("8") COMPUTE("INTEGER", "false"))
        "," ENTRY(".*", "ADD", STATIC8) "]", S8, DYN, S8, F32);
    forms("[" ENTRY(".*", "ADD", STATIC8) "," ENTRY(".*", "*", WEIGHTS("8") COMPUTE("INTEGER", "false")) "]", DYN,
        DYN, F32, F32);
    oct_recipe *recipe = parse("[" ENTRY(".*", "*", STATIC8) "]");
    oct_mode mode;
    assert_true(oct_recipe_mode(recipe, &mode));
    assert_int_equal(mode, OCT_MODE_INT8_FULL);
    oct_recipe_free(recipe);
}

static void test_foreign_refused(void **unused)
{
    (void)unused;
    const oct_status cannot = OCT_E_UNSUPPORTED;
    refuse("[\n" ENTRY(".*", "*", WEIGHTS("2") COMPUTE("INTEGER", "false")) "]", cannot,
        "r.json:2:131: num_bits: 2 is something that Octavo does not do");
    refuse("[{\"regex\": \".*\", \"operation\": \"*\", \"algorithm_key\": \"OCTAV\", \"op_config\": {}}]", cannot,
        "r.json:1:53: algorithm_key: \"OCTAV\" is something that Octavo does not do");
    refuse("[" ENTRY(".*", "INPUT", STATIC8) "]", cannot,
        "r.json:1:31: operation: \"INPUT\" is something that Octavo does not do");
    refuse("[" ENTRY(".*", "*", "\"hint\": 1") "]", cannot, "r.json:1:103: hint: 1 is something that Octavo does not do");
    refuse("[" ENTRY(".*", "*", "") "]", cannot,
        "r.json:1:94: weight_tensor_config: what is missing is something that Octavo does not do");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_layers),
        cmocka_unit_test(test_later_rules_win),
        cmocka_unit_test(test_other_settings),
        cmocka_unit_test(test_unused_rules),
        cmocka_unit_test(test_resolved),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_foreign_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
