/*
 * Every descriptor is whole: what other parts rely on is there, and its name, code, options and versions
 * agree with the schema.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ops/op.h"

static void test_descriptors_are_whole(void **unused)
{
    (void)unused;
    int32_t count;
    const oct_op_def *const *all = oct_op_all(&count);
    assert_true(count > 80);
    for (int32_t i = 0; i < count; i++) {
        const oct_op_def *def = all[i];
        bool custom = def->code == OCT_OP_CUSTOM;
        if (!custom && strcmp(def->name, oct_builtin_name(def->code)) != 0)
            fail_msg("%s has the code of %s", def->name, oct_builtin_name(def->code));
        if (!custom && i > 0 && all[i - 1]->code >= def->code)
            fail_msg("%s is out of order", def->name);
        if ((custom ? oct_op_find_custom(def->name) : oct_op_find(def->code)) != def
            || def->infer == NULL)
            fail_msg("%s is not found or cannot infer shapes", def->name);
        bool any = false;
        for (int form = 0; form < OCT_FORM_COUNT; form++) {
            any |= def->ref[form].eval != NULL;
            if (def->fast[form].eval != NULL && def->ref[form].eval == NULL)
                fail_msg("%s: fast %s without ref", def->name, oct_form_name((oct_form)form));
        }
        if (!any || (def->runtime == NULL && !custom))
            fail_msg("%s has no kernel or no runtime versions", def->name);
        if (def->options != OCT_OPTIONS_NONE && oct_options_record(def->options) == NULL)
            fail_msg("%s has options that are not in the schema", def->name);
    }
    assert_null(oct_op_find(OCT_OP_COUNT));
    assert_null(oct_op_find(OCT_OP_CUSTOM));
    assert_null(oct_op_find_custom("NobodysOperator"));
    assert_null(oct_op_find_custom(NULL));
}

/* A form the rule promises to the quantizer has a kernel to run it. */
static void test_rules_promise_only_what_runs(void **unused)
{
    (void)unused;
    int32_t count;
    const oct_op_def *const *all = oct_op_all(&count);
    for (int32_t i = 0; i < count; i++) {
        const oct_op_def *def = all[i];
        bool moves = def->ref[OCT_FORM_ANY].eval != NULL;
        if (def->quant.s8 && !moves && def->ref[OCT_FORM_S8].eval == NULL)
            fail_msg("%s: int8 without kernel", def->name);
        if (def->quant.s16 && !moves && def->ref[OCT_FORM_S16].eval == NULL)
            fail_msg("%s: int16 without kernel", def->name);
        if (def->quant.dynamic == OCT_DYNAMIC_HYBRID && def->ref[OCT_FORM_HYBRID].eval == NULL)
            fail_msg("%s: hybrid without kernel", def->name);
        if ((def->quant.s8 || def->quant.s16)
            && (def->quant.in_slots == 0 || def->quant.out_slots == 0))
            fail_msg("%s: quantizable without roles", def->name);
        if (def->quant.link == OCT_LINK_FIXED && !(def->quant.fixed[OCT_FIXED_S8].scale > 0))
            fail_msg("%s: fixed parameters without values", def->name);
    }
}

static void test_roles_repeat_the_last_slot(void **unused)
{
    (void)unused;
    const oct_op_def *concatenation = oct_op_find(OCT_OP_CONCATENATION);
    assert_int_equal(oct_op_input_role(concatenation, 9), OCT_ROLE_ACT);
    const oct_op_def *slice = oct_op_find(OCT_OP_SLICE);
    assert_int_equal(oct_op_input_role(slice, 0), OCT_ROLE_ACT);
    assert_int_equal(oct_op_input_role(slice, 2), OCT_ROLE_NONE);
    assert_int_equal(oct_op_input_role(oct_op_find(OCT_OP_SPLIT), 1), OCT_ROLE_ACT);
    assert_int_equal(oct_op_input_role(oct_op_find(OCT_OP_POW), 0), OCT_ROLE_NONE);
}

static oct_form form_of(oct_builtin code, oct_type a, oct_type b)
{
    oct_value values[3] = { { .type = a }, { .type = b }, { .type = a } };
    oct_value *in[2] = { &values[0], &values[1] }, *out[1] = { &values[2] };
    oct_op op = { .in = in, .out = out, .in_count = 2, .out_count = 1 };
    return oct_op_form(oct_op_find(code), &op);
}

static void test_forms_of_mixed_types(void **unused)
{
    (void)unused;
    assert_int_equal(form_of(OCT_OP_ADD, OCT_FLOAT32, OCT_FLOAT32), OCT_FORM_F32);
    assert_int_equal(form_of(OCT_OP_ADD, OCT_INT8, OCT_INT8), OCT_FORM_S8);
    assert_int_equal(form_of(OCT_OP_FULLY_CONNECTED, OCT_FLOAT32, OCT_INT8), OCT_FORM_HYBRID);
    assert_int_equal(form_of(OCT_OP_FULLY_CONNECTED, OCT_INT16, OCT_INT8), OCT_FORM_S16);
    assert_int_equal(form_of(OCT_OP_BATCH_MATMUL, OCT_FLOAT32, OCT_INT8), OCT_FORM_HYBRID);
    assert_int_equal(form_of(OCT_OP_SPLIT, OCT_INT32, OCT_INT8), OCT_FORM_ANY);
    assert_int_equal(form_of(OCT_OP_RESHAPE, OCT_STRING, OCT_INT32), OCT_FORM_ANY);
    assert_int_equal(form_of(OCT_OP_FLOOR, OCT_INT8, OCT_INT8), OCT_FORM_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors_are_whole),
        cmocka_unit_test(test_rules_promise_only_what_runs),
        cmocka_unit_test(test_roles_repeat_the_last_slot),
        cmocka_unit_test(test_forms_of_mixed_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
