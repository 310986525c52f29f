/*
 * The JSON descriptions parse and say what the model says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "model/json.h"
#include "model/model.h"

static json_t *described(const oct_model *model)
{
    oct_error err = { 0 };
    char *text;
    if (oct_model_describe(model, &text, &err) != OCT_OK)
        fail_msg("%s", err.text);
    json_error_t problem;
    json_t *json = json_loads(text, 0, &problem);
    if (json == NULL)
        fail_msg("line %d: %s", problem.line, problem.text);
    free(text);
    return json;
}

static const char *string_at(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    if (text == NULL)
        fail_msg("no string \"%s\"", key);
    return text;
}

static void test_golden(void **state)
{
    (void)state;
    oct_error err = { 0 };
    oct_model *model;
    const char *path = OCT_TESTS_DIR "/golden/ops/CONV_2D__s8__3x3_same_c3_o8.tflite";
    if (oct_model_load(path, NULL, &model, &err) != OCT_OK)
        fail_msg("%s", err.text);
    json_t *json = described(model);
    assert_string_equal(string_at(json, "source"), "tflite");
    const json_t *sub = json_array_get(json_object_get(json, "subgraphs"), 0);
    const json_t *op = json_array_get(json_object_get(sub, "operators"), 0);
    const json_t *options = json_object_get(op, "options");
    assert_string_equal(string_at(op, "name"), "CONV_2D");
    assert_string_equal(string_at(options, "padding"), "SAME");
    assert_true(json_is_integer(json_object_get(options, "stride_w")));
    assert_true(json_integer_value(json_object_get(op, "version")) >= 3);
    const json_t *input = json_array_get(json_object_get(json, "inputs"), 0);
    assert_string_equal(string_at(input, "type"), "int8");
    assert_true(json_real_value(json_object_get(input, "scale")) > 0);
    const json_t *ledger = json_object_get(json, "ledger");
    static const char *const parts[] = { "weights", "biases", "other_constants", "quantization",
        "names", "structure", "metadata" };
    json_int_t sum = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        sum += json_integer_value(json_object_get(ledger, parts[i]));
    assert_true(sum > 0);
    assert_int_equal(sum, json_integer_value(json_object_get(ledger, "total")));
    json_decref(json);
    oct_model_free(model);
}

static void test_values_of_options(void **state)
{
    (void)state;
    const oct_leaky_relu_options options = { .alpha = 0.25f };
    json_t *json = oct_json_record(oct_options_record(OCT_OPTIONS_LeakyRelu), &options);
    assert_true(json_real_value(json_object_get(json, "alpha")) == 0.25);
    json_decref(json);
}

/* Every field of every option table has a name and a value; text that is no UTF-8 does no harm. */
static void test_every_option(void **state)
{
    (void)state;
    for (int set = 1; set <= 2; set++) {
        uint32_t count;
        const oct_record *const *members = oct_options_members(set, &count);
        for (uint32_t value = 1; value < count; value++) {
            void *zeros = calloc(1, members[value]->size + 1);
            json_t *json = oct_json_record(members[value], zeros);
            for (int i = 0; i < members[value]->field_count; i++) {
                const oct_field *field = &members[value]->fields[i];
                bool may_be_absent =
                    field->kind >= OCT_KIND_str && field->kind <= OCT_KIND_vec_bool;
                if (json_object_get(json, field->name) == NULL && !may_be_absent)
                    fail_msg("%s.%s has no value", members[value]->name, field->name);
            }
            json_decref(json);
            free(zeros);
        }
    }
    json_t *text = oct_json_text("caf\xe9");
    assert_string_equal(json_string_value(text), "caf\\xe9");
    json_decref(text);
}

static void test_ops(void **state)
{
    (void)state;
    oct_error err = { 0 };
    char *text;
    assert_int_equal(oct_ops_describe(&text, &err), OCT_OK);
    json_t *json = json_loads(text, 0, NULL);
    assert_true(json_array_size(json) > 10);
    size_t i, seen = 0;
    json_t *op;
    json_array_foreach (json, i, op) {
        bool absent = json_object_get(op, "absent") != NULL;
        assert_true((json_array_size(json_object_get(op, "ref")) > 0) != absent);
        if (strcmp(string_at(op, "name"), "CONV_2D") == 0) {
            assert_non_null(strstr(string_at(op, "rule"), "act weight[axis 0] bias -> act"));
            seen++;
        }
    }
    assert_int_equal(seen, 1);
    json_decref(json);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_values_of_options),
        cmocka_unit_test(test_every_option),
        cmocka_unit_test(test_ops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
