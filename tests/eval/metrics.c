/*
 * Measures on small cases whose values scikit-learn 1.9.1 and pycocotools 2.0.11 gave (many more are
 * drawn by tests/conformance/metrics.py), and models that answer with a single number.
 */
#include <math.h>
#include <unistd.h>

#include <octavo/data.h>
#include <octavo/eval.h>
#include "eval/metrics.h"
#include "eval/random.h"
#include "exec/build.h"
#include "model/model.h"

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12))
        fail_msg("got %.17g, want %.17g", got, want);
}

static void test_classes(void **unused)
{
    (void)unused;
    static const int32_t labels[] = { 0, 0, 1, 1, 2, 2, 2, 3 };
    static const int32_t answers[] = { 0, 1, 1, 1, 2, 0, 2, 2 };
    oct_class_counts counts[5];
    oct_count_classes(labels, answers, 8, 5, counts);
    assert_int_equal(counts[2].samples, 3);
    assert_int_equal(counts[2].answered, 3);
    assert_int_equal(counts[2].right, 2);
    near(oct_macro_f1(counts, 5), 0.4916666666666667); /* class 4 never occurs and counts nothing */
    near(oct_mean_iou(counts, 5), 0.375);
    oct_count_classes(labels, answers, 0, 5, counts);
    near(oct_macro_f1(counts, 5), 0);
}

static void test_roc_auc(void **unused)
{
    (void)unused;
    static const float scores[] = { .9f, .8f, .8f, .3f, .3f, .1f, .6f, .6f };
    static const bool positive[] = { 1, 0, 1, 1, 0, 0, 1, 0 };
    double auc;
    assert_int_equal(oct_roc_auc(scores, positive, 8, &auc, NULL), OCT_OK);
    near(auc, 0.71875);
    assert_int_equal(oct_roc_auc(scores, positive, 1, &auc, NULL), OCT_OK);
    assert_true(isnan(auc));
}

static void test_calibration(void **unused)
{
    (void)unused;
    static const float confidence[] = { 0.5f, 0.5f, 0.5f, 0.5f, 1, 0 };
    static const bool right[] = { 1, 1, 1, 0, 1, 0 };
    near(oct_calibration_error(confidence, right, 6), 1. / 6); /* |3 - 2| of six samples */
    near(oct_calibration_error(confidence, right, 0), 0);
}

static void test_detection(void **unused)
{
    (void)unused;
    static const oct_true_box truths[] = {
        { 1, 1, { 10, 10, 50, 40 }, 1800, false },
        { 1, 1, { 80, 20, 30, 30 }, 900, false },
        { 1, 2, { 5, 60, 100, 90 }, 8000, false },
        { 2, 1, { 0, 0, 200, 200 }, 39000, true },
        { 2, 2, { 40, 40, 60, 60 }, 3600, false },
    };
    static const oct_found_box found[] = {
        { 1, 1, { 12, 11, 48, 40 }, .9 },
        { 1, 1, { 80, 22, 30, 26 }, .8 },
        { 1, 1, { 15, 10, 50, 40 }, .7 },
        { 1, 2, { 0, 50, 100, 100 }, .6 },
        { 2, 1, { 10, 10, 80, 80 }, .5 },
        { 2, 2, { 45, 42, 60, 62 }, .4 },
        { 2, 2, { 100, 100, 20, 20 }, .95 },
    };
    oct_detection_metrics m;
    assert_int_equal(oct_detection_score(truths, 5, found, 7, &m, NULL, NULL), OCT_OK);
    near(m.ap, 0.6378712871287129);
    near(m.ap50, 0.8333333333333333);
    near(m.ap75, 0.8333333333333333);
    near(m.ap_small, 0.8);
    near(m.ap_medium, 0.7752475247524753);
    near(m.ap_large, -1);
    near(m.ar1, 0.4);
    near(m.ar10, 0.75);
    near(m.ar100, 0.75);
    near(m.ar_small, 0.8);
    near(m.ar_medium, 0.775);
    near(m.ar_large, -1);
    assert_int_equal(oct_detection_score(truths, 0, found, 7, &m, NULL, NULL), OCT_OK);
    near(m.ap, -1);
    assert_int_equal(oct_detection_score(truths, 5, found, 0, &m, NULL, NULL), OCT_OK);
    near(m.ap, 0);
}

/* Average precision of images drawn with weights is that of as many copies, scored as images. */

enum { IMAGES = 12, TRUTHS = 40, FOUND = 90, COPIES = 3 };

static void random_box(oct_random *random, double box[4])
{
    for (int i = 0; i < 4; i++)
        box[i] = 20 + 60 * oct_random_uniform(random);
}

/* Scores differ, as equal ones would come in another order among copies. */
static void draw_boxes(oct_random *random, oct_true_box *truths, oct_found_box *found)
{
    for (int i = 0; i < TRUTHS; i++) {
        truths[i] = (oct_true_box){ .image = oct_random_below(random, IMAGES),
            .category = (int32_t)oct_random_below(random, 4),
            .area = 2500,
            .crowd = oct_random_below(random, 10) == 0 };
        random_box(random, truths[i].box);
    }
    for (int i = 0; i < FOUND; i++) {
        const oct_true_box *near_to = &truths[oct_random_below(random, TRUTHS)];
        found[i] = (oct_found_box){ .image = near_to->image,
            .category = near_to->category,
            .score = oct_random_uniform(random) };
        for (int k = 0; k < 4; k++)
            found[i].box[k] = near_to->box[k] * (0.8 + 0.4 * oct_random_uniform(random));
    }
}

static void test_weighted_precision(void **unused)
{
    (void)unused;
    oct_random random = oct_random_seed(21);
    for (int round = 0; round < 50; round++) {
        oct_true_box truths[TRUTHS], true_copies[TRUTHS * COPIES];
        oct_found_box found[FOUND], found_copies[FOUND * COPIES];
        int32_t weights[IMAGES], ones[IMAGES];
        int64_t true_count = 0, found_count = 0;
        draw_boxes(&random, truths, found);
        for (int i = 0; i < IMAGES; i++) {
            weights[i] = (int32_t)oct_random_below(&random, COPIES + 1);
            ones[i] = 1;
        }
        for (int copy = 0; copy < COPIES; copy++) {
            for (int i = 0; i < TRUTHS; i++)
                if (copy < weights[truths[i].image]) {
                    true_copies[true_count] = truths[i];
                    true_copies[true_count++].image += IMAGES * copy;
                }
            for (int i = 0; i < FOUND; i++)
                if (copy < weights[found[i].image]) {
                    found_copies[found_count] = found[i];
                    found_copies[found_count++].image += IMAGES * copy;
                }
        }
        oct_detection_metrics all, copies;
        oct_matches matches;
        double ap, ap50;
        assert_int_equal(
            oct_detection_score(truths, TRUTHS, found, FOUND, &all, &matches, NULL), OCT_OK);
        oct_matches_precision(&matches, ones, &ap, &ap50);
        assert_true(ap == all.ap && ap50 == all.ap50);
        assert_int_equal(oct_detection_score(true_copies, true_count, found_copies, found_count,
                             &copies, NULL, NULL),
            OCT_OK);
        oct_matches_precision(&matches, weights, &ap, &ap50);
        near(ap, copies.ap);
        near(ap50, copies.ap50);
        assert_true(ap > 0.01 && ap50 < 0.99);
        oct_matches_free(&matches);
    }
}

/* y = x, or its sigmoid: the only output. */
static oct_model *one_number(bool sigmoid)
{
    builder b = build_begin();
    const int32_t dims[] = { 1, 1 };
    const float zero = 0;
    int32_t x = build_tensor(&b, "x", OCT_FLOAT32, 2, dims);
    int32_t y = build_tensor(&b, "y", OCT_FLOAT32, 2, dims);
    if (sigmoid) {
        build_node(&b, OCT_OP_LOGISTIC, x, -1, y, OCT_OPTIONS_NONE);
    } else {
        int32_t shift = build_constant(&b, "shift", OCT_FLOAT32, 2, dims, &zero);
        build_node(&b, OCT_OP_ADD, x, shift, y, OCT_OPTIONS_Add);
    }
    build_end(&b, x, y);
    oct_model *model = NULL;
    assert_int_equal(oct_model_create(b.graph, "tflite", &model, NULL), OCT_OK);
    return model;
}

static void test_one_number(void **unused)
{
    (void)unused;
    static const char *const path = OCT_WORK_DIR "/one_number.npz";
    static const float x[] = { -2, -1, -0.25f, 0.25f, 1, 3 };
    static const int32_t labels[] = { 0, 0, 1, 1, 0, 1 };
    oct_npz_entry entries[] = { { "x", "float32", 2, { 6, 1 }, x },
        { "y", "int32", 1, { 6 }, labels } };
    assert_int_equal(oct_npz_write(path, entries, 2, NULL), OCT_OK);
    oct_data *data = NULL;
    oct_preprocess none;
    assert_int_equal(oct_data_open(path, &data, NULL), OCT_OK);
    assert_int_equal(oct_preprocess_parse("none", &none, NULL), OCT_OK);
    for (int sigmoid = 0; sigmoid < 2; sigmoid++) {
        oct_model *model = one_number(sigmoid);
        const oct_model *models[] = { model };
        oct_eval *eval = NULL;
        oct_error err = { 0 };
        if (oct_evaluate(models, 1, data, &none, NULL, &eval, &err) != OCT_OK)
            fail_msg("%s", err.text);
        const oct_metrics *m = oct_eval_metrics(eval, 0);
        double loss = 0;
        for (int i = 0; i < 6; i++)
            loss += log1p(exp(labels[i] == 1 ? -(double)x[i] : (double)x[i])) / 6;
        assert_int_equal(m->classes, 2);
        assert_int_equal(m->top1, 4);
        assert_int_equal(oct_eval_answer(eval, 0, 2), 0);
        assert_int_equal(oct_eval_classes(eval, 0)[1].right, 2);
        assert_true(fabs(m->loss - loss) < 1e-6);
        near(m->auc, 7. / 9); /* of nine pairs, (-0.25, 1) and (0.25, 1) are the wrong way round */
        oct_eval_free(eval);
        oct_model_free(model);
    }
    oct_data_free(data);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_roc_auc),
        cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_detection),
        cmocka_unit_test(test_weighted_precision),
        cmocka_unit_test(test_one_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
