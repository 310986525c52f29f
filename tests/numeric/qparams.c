/*
 * Scales and zero points against values found in files made by TFLiteConverter (TensorFlow 2.21), and
 * the roundings at ties and limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "numeric/qparams.h"

static void assert_params(oct_qparams p, float scale, int zero_point)
{
    if (p.scale != scale || p.zero_point != zero_point)
        fail_msg("scale %.9g, zero point %d; expected %.9g, %d", (double)p.scale,
            (int)p.zero_point, (double)scale, zero_point);
}

static void test_activations_of_converted_models(void **unused)
{
    (void)unused;
    assert_params(oct_qparams_activation_s8(-1.f, 1.f), 0.007843137718737125f, -1);
    assert_params(oct_qparams_activation_s8(0.f, 6.f), 0.0235294122248888f, -128);
    assert_params(oct_qparams_activation_s8(0.f, 1.8635813f), 0.0073081618174910545f, -128);
    assert_params(oct_qparams_activation_s8(-12.001902f, 12.776654f), 0.09717080742120743f, -4);
    assert_params(oct_qparams_activation_s8(0.5f, 6.f), 0.0235294122248888f, -128);  /* 0 joins */
    assert_params(oct_qparams_activation_s8(-6.f, -0.5f), 0.0235294122248888f, 127); /* from above */
}

static void test_narrow_ranges_are_widened(void **unused)
{
    (void)unused;
    assert_true(oct_qparams_activation_s8(0.f, 0.f).scale == (float)2e-6 / 255.f);
    assert_true(oct_qparams_activation_s8(0.f, 2e-6f).scale == 2e-6f / 255.f); /* wide enough */
    assert_true(oct_qparams_constant_s8(0.f, 0.f).scale == (float)1e-6 / 255.f);
    assert_true(oct_scale_weight_legacy(0.f) == (float)1e-6 / 254.f);
    assert_true(oct_scale_weight(0.f) == 1e-6 / 254);
    assert_true(oct_scale_weight_plain(0.f) == 0.f);
    assert_true(oct_inverse_range(0.f) == 0.f && oct_inverse_scale(0.f) == 0.f);
}

static void test_weight_and_int16_scales(void **unused)
{
    (void)unused;
    assert_true(oct_scale_weight_legacy(1.1948092f) == 0.009407947f);
    assert_true((float)oct_scale_weight(1.1948092f) == 0.009407947f);
    assert_true(oct_scale_s16(-1.f, 1.f) == 3.051851e-05f);
    assert_true(oct_scale_s16(-43.788048f, 45.54114f) == 0.0013898477f);
}

static void test_halves_go_away_from_zero(void **unused)
{
    (void)unused;
    assert_int_equal(oct_quantize_symmetric(0.25f, 2.f, 127), 1);
    assert_int_equal(oct_quantize_symmetric(-0.25f, 2.f, 127), -1);
    assert_int_equal(oct_quantize_symmetric(1.25f, 2.f, 127), 3);
    assert_int_equal(oct_quantize_affine(0.25f, 0.5, 0, -128, 127), 1);
    assert_int_equal(oct_quantize_affine(-0.25f, 0.5, 0, -128, 127), -1);
    assert_int_equal(oct_quantize_affine(-0.25f, 0.5, 1, -128, 127), 1); /* 0.5 after the zero point */
    assert_int_equal(oct_quantize_bias_s32(-1.25f, 2.f), -3);
    assert_int_equal(oct_quantize_bias_s64(-1.25f, 2.f), -3);
}

static void test_values_saturate(void **unused)
{
    (void)unused;
    assert_int_equal(oct_quantize_symmetric(1e9f, 1.f, 127), 127);
    assert_int_equal(oct_quantize_symmetric(-1e9f, 1.f, 127), -127);
    assert_int_equal(oct_quantize_affine(-1e9f, 1.0, 0, -128, 127), -128);
    assert_int_equal(oct_quantize_bias_s32(1e20f, 1.f), INT32_MAX);
    assert_int_equal(oct_quantize_bias_s32(-1e20f, 1.f), -INT32_MAX);
    assert_true(oct_quantize_bias_s64(1e30f, 1.f) == INT64_MAX);
    assert_true(oct_quantize_bias_s64(-1e30f, 1.f) == -INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activations_of_converted_models),
        cmocka_unit_test(test_narrow_ranges_are_widened),
        cmocka_unit_test(test_weight_and_int16_scales),
        cmocka_unit_test(test_halves_go_away_from_zero),
        cmocka_unit_test(test_values_saturate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
