/*
 * Do the intervals of mean IoU and of average precision tell the truth? Images are drawn from worlds
 * whose true values are those of very many; the bootstrap over images, of one model and of
 * the difference of two on the same images, must cover them as often as it promises, plus or minus
 * three standard errors of the count.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "eval/metrics.h"
#include "eval/random.h"
#include "eval/stats.h"

static bool covers(oct_interval interval, double truth)
{
    return interval.low <= truth && truth <= interval.high;
}

static void check(const char *what, int covered, int times)
{
    double error = 3 * sqrt(0.95 * 0.05 / times);
    print_message("  %-28s %4d of %d\n", what, covered, times);
    assert_true(covered >= (0.95 - error) * times && covered <= (0.95 + error) * times);
}

/* Mean IoU: pixels of an image go together, because some images are hard. */

enum { CLASSES = 3, PIXELS = 60, WIDTH = 2 * CLASSES * 3, PICTURES = 200, MIOU_TIMES = 200 };

/* A row: for both models each class's pixels, answers and right ones. */
static void draw_picture(oct_random *random, double row[WIDTH])
{
    double hard = oct_random_uniform(random), common = oct_random_uniform(random);
    for (int i = 0; i < WIDTH; i++)
        row[i] = 0;
    for (int p = 0; p < PIXELS; p++) {
        int truth = oct_random_uniform(random) < common ? 0 : 1 + (int)oct_random_below(random, 2);
        int other = (truth + 1 + (int)oct_random_below(random, 2)) % CLASSES;
        int first = oct_random_uniform(random) < 0.5 * hard ? other : truth;
        int second = oct_random_uniform(random) < 0.1 * hard ? other : first;
        const int answers[] = { first, second };
        for (int m = 0; m < 2; m++) {
            row[9 * m + 3 * truth]++;
            row[9 * m + 3 * answers[m] + 1]++;
            row[9 * m + 3 * truth + 2] += answers[m] == truth;
        }
    }
}

static double iou(const double *sums)
{
    double sum = 0;
    for (int k = 0; k < CLASSES; k++, sums += 3)
        sum += sums[2] / (sums[0] + sums[1] - sums[2]) / CLASSES;
    return sum;
}

static double second_iou(const void *user, const double *sums)
{
    (void)user;
    return iou(sums + 9);
}

static double iou_difference(const void *user, const double *sums)
{
    (void)user;
    return iou(sums + 9) - iou(sums);
}

static void test_mean_iou(void **unused)
{
    (void)unused;
    enum { WORLD = 200000 };
    oct_random random = oct_random_seed(600);
    double world[WIDTH] = { 0 }, rows[PICTURES][WIDTH];
    for (int i = 0; i < WORLD; i++) {
        draw_picture(&random, rows[0]);
        for (int k = 0; k < WIDTH; k++)
            world[k] += rows[0][k];
    }
    int value = 0, difference = 0;
    for (int t = 0; t < MIOU_TIMES; t++) {
        oct_interval interval;
        for (int i = 0; i < PICTURES; i++)
            draw_picture(&random, rows[i]);
        assert_int_equal(oct_bootstrap_measure(rows[0], PICTURES, WIDTH, second_iou, NULL,
                             (uint64_t)t, &interval, NULL),
            OCT_OK);
        value += covers(interval, second_iou(NULL, world));
        assert_int_equal(oct_bootstrap_measure(rows[0], PICTURES, WIDTH, iou_difference, NULL,
                             (uint64_t)t, &interval, NULL),
            OCT_OK);
        difference += covers(interval, iou_difference(NULL, world));
    }
    check("mean IoU", value, MIOU_TIMES);
    check("difference of mean IoU", difference, MIOU_TIMES);
}

/*
 * Average precision: two categories, up to two objects of each in a photograph, side by side. The
 * interpolated curve of few images lies above that of many, so what is covered is the mean over sets of
 * this size; the difference of two models hardly depends on it.
 */

enum { PHOTOS = 150, SETS = 1000, MAP_TIMES = 100, MOST_OBJECTS = 4, MOST_FOUND = 8 };

typedef struct scene {
    oct_true_box *truths; /* [MOST_OBJECTS * photos] */
    oct_found_box *found[2];
    int64_t truth_count, found_count[2];
} scene;

static scene make_scene(size_t photos)
{
    scene s = { .truths = malloc(photos * MOST_OBJECTS * sizeof *s.truths) };
    for (int m = 0; m < 2; m++)
        s.found[m] = malloc(photos * MOST_FOUND * sizeof *s.found[m]);
    assert_true(s.truths != NULL && s.found[0] != NULL && s.found[1] != NULL);
    return s;
}

static void free_scene(scene *s)
{
    free(s->truths);
    free(s->found[0]);
    free(s->found[1]);
}

/* Both models find a box, the second one elsewhere by a little, or not at all. */
static void find(scene *s, oct_random *random, oct_found_box box)
{
    s->found[0][s->found_count[0]++] = box;
    box.box[0] += 4 * oct_random_uniform(random);
    box.score += 0.1 * oct_random_uniform(random);
    if (oct_random_uniform(random) > 0.05)
        s->found[1][s->found_count[1]++] = box;
}

static void draw_photo(scene *s, oct_random *random, int64_t image)
{
    double hard = oct_random_uniform(random);
    for (int object = 0; object < MOST_OBJECTS; object++) {
        int32_t category = object % 2;
        double left = 200 * object;
        if (oct_random_uniform(random) < 0.4)
            continue;
        s->truths[s->truth_count++] = (oct_true_box){
            .image = image, .category = category, .box = { left, 0, 50, 50 }, .area = 2500
        };
        oct_found_box box = { .image = image,
            .category = category,
            .box = { left + 14 * hard * oct_random_uniform(random), 0, 50, 50 },
            .score = 0.3 + oct_random_uniform(random) };
        if (oct_random_uniform(random) > 0.3 * hard)
            find(s, random, box);
        box.box[0] += 100; /* nothing is there */
        box.score = oct_random_uniform(random);
        if (oct_random_uniform(random) < 0.4)
            find(s, random, box);
    }
}

static void draw_photos(scene *s, oct_random *random, int64_t count, oct_matches matches[2])
{
    s->truth_count = s->found_count[0] = s->found_count[1] = 0;
    for (int64_t i = 0; i < count; i++)
        draw_photo(s, random, i);
    for (int m = 0; m < 2; m++) {
        oct_detection_metrics all;
        assert_int_equal(oct_detection_score(s->truths, s->truth_count, s->found[m],
                             s->found_count[m], &all, &matches[m], NULL),
            OCT_OK);
    }
}

/* The second model's precision, and how much more it is than the first one's. */
static void measure(void *user, const int32_t *weights, double *values)
{
    oct_matches *matches = user;
    double first, unused;
    oct_matches_precision(&matches[0], weights, &first, &unused);
    oct_matches_precision(&matches[1], weights, &values[0], &unused);
    values[1] = values[0] - first;
}

static void test_average_precision(void **unused)
{
    (void)unused;
    oct_random random = oct_random_seed(700);
    oct_matches matches[2];
    double truth[2] = { 0 };
    scene s = make_scene(PHOTOS);
    int32_t ones[PHOTOS];
    for (int i = 0; i < PHOTOS; i++)
        ones[i] = 1;
    for (int set = 0; set < SETS; set++) {
        double values[2];
        draw_photos(&s, &random, PHOTOS, matches);
        measure(matches, ones, values);
        truth[0] += values[0] / SETS;
        truth[1] += values[1] / SETS;
        oct_matches_free(&matches[0]);
        oct_matches_free(&matches[1]);
    }
    assert_true(truth[0] > 0.3 && truth[0] < 0.9 && fabs(truth[1]) > 0.01);
    int covered[2] = { 0 };
    for (int t = 0; t < MAP_TIMES; t++) {
        oct_interval intervals[2];
        draw_photos(&s, &random, PHOTOS, matches);
        assert_int_equal(
            oct_bootstrap_weights(PHOTOS, 2, measure, matches, (uint64_t)t, intervals, NULL),
            OCT_OK);
        for (int k = 0; k < 2; k++)
            covered[k] += covers(intervals[k], truth[k]);
        oct_matches_free(&matches[0]);
        oct_matches_free(&matches[1]);
    }
    free_scene(&s);
    check("average precision", covered[0], MAP_TIMES);
    check("its difference", covered[1], MAP_TIMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean_iou),
        cmocka_unit_test(test_average_precision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
