/*
 * Average precision as COCO defines it. Boxes of one category and image are matched greedily, best
 * score first, once for each overlap asked for and each range of areas; then all images' matches of
 * a category are sorted by score and the precision is read off at 101 recalls.
 *
 * Which truth a box is matched with follows pycocotools step by step, because ties and ignored
 * objects decide it: Lin et al., COCOeval.evaluateImg() and accumulate().
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/metrics.h"

enum { OVERLAPS = 10, RECALLS = 101, AREAS = 4, MOST = 100, LIMITS = 3 };

static const double areas[AREAS][2] = { { 0, 1e10 }, { 0, 32 * 32 }, { 32 * 32, 96 * 96 },
    { 96 * 96, 1e10 } };
static const int limits[LIMITS] = { 1, 10, MOST };

/* One box that was found, after matching. */
typedef struct match {
    int64_t image;
    double score;
    int rank;               /* among its image's boxes of the category, best is 0 */
    bool matched[OVERLAPS]; /* with a truth */
    bool ignored[OVERLAPS]; /* neither right nor wrong */
} match;

/* Sums over categories: precision at each recall, last recall; and how many categories had truths. */
typedef struct totals {
    double precision[OVERLAPS][AREAS][LIMITS], recall[OVERLAPS][AREAS][LIMITS];
    int categories[AREAS];
} totals;

typedef struct work {
    oct_true_box *truths; /* sorted by category, image */
    oct_found_box *found; /* sorted by category, image, score downwards */
    match *matches;       /* [found_count] of one category and area range */
    double *overlaps;     /* [truths of one image] */
    bool *taken, *ignore; /* [OVERLAPS][truths], [truths] of one image */
    double *curve;        /* [found_count] precisions, then [found_count] recalls */
    oct_matches *kept;    /* NULL: nobody asks */
} work;

static int compare_places(int32_t category_a, int64_t image_a, int32_t category_b, int64_t image_b)
{
    if (category_a != category_b)
        return category_a < category_b ? -1 : 1;
    return (image_a > image_b) - (image_a < image_b);
}

/* qsort() is not stable, so what came first goes first by its address in the source order. */
static int by_place(const void *a, const void *b)
{
    const oct_true_box *x = *(const oct_true_box *const *)a, *y = *(const oct_true_box *const *)b;
    int order = compare_places(x->category, x->image, y->category, y->image);
    return order != 0 ? order : (x > y) - (x < y);
}

static int by_place_and_score(const void *a, const void *b)
{
    const oct_found_box *x = *(const oct_found_box *const *)a,
                        *y = *(const oct_found_box *const *)b;
    int order = compare_places(x->category, x->image, y->category, y->image);
    if (order == 0)
        order = (x->score < y->score) - (x->score > y->score);
    return order != 0 ? order : (x > y) - (x < y);
}

static double overlap(const double *found, const oct_true_box *truth)
{
    const double *t = truth->box;
    double w = fmin(found[0] + found[2], t[0] + t[2]) - fmax(found[0], t[0]);
    double h = fmin(found[1] + found[3], t[1] + t[3]) - fmax(found[1], t[1]);
    if (w <= 0 || h <= 0)
        return 0;
    double both = w * h, own = found[2] * found[3];
    return both / (truth->crowd ? own : own + t[2] * t[3] - both);
}

static bool outside(double area, int range)
{
    return area < areas[range][0] || area > areas[range][1];
}

/*
 * The truth that box takes at an overlap of at least `least`: the best that is free; an ignored one
 * only when no other will do. Truths that count come first in `order`. -1: none.
 */
static int64_t best_truth(const work *w, const oct_true_box *truths, const int64_t *order,
    int64_t count, const bool *taken, double least)
{
    int64_t best = -1;
    double at_least = fmin(least, 1 - 1e-10);
    for (int64_t i = 0; i < count; i++) {
        int64_t g = order[i];
        if (taken[g] && !truths[g].crowd)
            continue;
        if (best >= 0 && !w->ignore[best] && w->ignore[g])
            break;
        if (w->overlaps[g] < at_least)
            continue;
        at_least = w->overlaps[g];
        best = g;
    }
    return best;
}

/* Matches one image's boxes; returns how many truths count. order [count] is scratch. */
static int64_t match_image(work *w, const oct_true_box *truths, int64_t count,
    const oct_found_box *found, int64_t found_count, int range, int64_t *order, match *out)
{
    int64_t counting = 0, at = 0;
    memset(w->taken, 0, (size_t)count * OVERLAPS * sizeof *w->taken);
    for (int64_t g = 0; g < count; g++)
        w->ignore[g] = truths[g].crowd || outside(truths[g].area, range);
    for (int pass = 0; pass < 2; pass++)
        for (int64_t g = 0; g < count; g++)
            if (w->ignore[g] == (pass == 1))
                order[at++] = g;
    for (int64_t g = 0; g < count; g++)
        counting += !w->ignore[g];
    for (int64_t d = 0; d < found_count; d++) {
        out[d] = (match){ .image = found[d].image, .score = found[d].score, .rank = (int)d };
        for (int64_t g = 0; g < count; g++)
            w->overlaps[g] = overlap(found[d].box, &truths[g]);
        for (int k = 0; k < OVERLAPS; k++) {
            bool *taken = w->taken + (size_t)k * (size_t)count;
            double least = 0.5 + k * ((0.95 - 0.5) / (OVERLAPS - 1));
            int64_t g = best_truth(w, truths, order, count, taken, least);
            out[d].matched[k] = g >= 0;
            out[d].ignored[k] =
                g >= 0 ? w->ignore[g] : outside(found[d].box[2] * found[d].box[3], range);
            if (g >= 0)
                taken[g] = true;
        }
    }
    return counting;
}

static int by_match_score(const void *a, const void *b)
{
    const match *x = *(const match *const *)a, *y = *(const match *const *)b;
    int order = (x->score < y->score) - (x->score > y->score);
    return order != 0 ? order : (x > y) - (x < y);
}

/* Mean precision at 101 recalls, and the last recall, of a category's matches. */
static void read_curve(work *w, const match *const *sorted, int64_t count, int64_t counting,
    int overlap_index, int limit, double *precision, double *recall)
{
    double *precisions = w->curve, *recalls = w->curve + count;
    double right = 0, wrong = 0, sum = 0;
    int64_t points = 0;
    for (int64_t i = 0; i < count; i++) {
        if (sorted[i]->rank >= limit)
            continue;
        bool ignored = sorted[i]->ignored[overlap_index];
        right += sorted[i]->matched[overlap_index] && !ignored;
        wrong += !sorted[i]->matched[overlap_index] && !ignored;
        recalls[points] = right / (double)counting;
        precisions[points++] = right / (right + wrong + 0x1p-52);
    }
    for (int64_t i = points - 1; i > 0; i--)
        precisions[i - 1] = fmax(precisions[i - 1], precisions[i]);
    for (int64_t r = 0, i = 0; r < RECALLS; r++) {
        while (i < points && recalls[i] < (double)r * 0.01)
            i++;
        sum += i < points ? precisions[i] : 0;
    }
    *precision = sum / RECALLS;
    *recall = points > 0 ? recalls[points - 1] : 0;
}

/* Keeps what resampling needs, over all areas. */

static void keep_truths(oct_matches *kept, int64_t image, int64_t count)
{
    if (count > 0)
        kept->truths[kept->truth_ends[kept->categories]++] = (oct_image_truths){ image, count };
}

static void keep_found(oct_matches *kept, const match *const *sorted, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        oct_matched_box box = { .image = sorted[i]->image };
        for (int k = 0; k < OVERLAPS; k++) {
            bool counts = !sorted[i]->ignored[k];
            box.right |= (uint16_t)((counts && sorted[i]->matched[k]) << k);
            box.wrong |= (uint16_t)((counts && !sorted[i]->matched[k]) << k);
        }
        kept->found[kept->found_ends[kept->categories]++] = box;
    }
    int64_t c = kept->categories++;
    kept->found_ends[c + 1] = kept->found_ends[c];
    kept->truth_ends[c + 1] = kept->truth_ends[c];
}

/* Truths and boxes of one category; both lists are sorted by image. */
static oct_status score_category(work *w, const oct_true_box *truths, int64_t truth_count,
    const oct_found_box *found, int64_t found_count, totals *t, oct_error *err)
{
    const match **sorted = malloc(((size_t)found_count + 1) * sizeof *sorted);
    int64_t *order = malloc(((size_t)truth_count + 1) * sizeof *order);
    if (sorted == NULL || order == NULL) {
        free(sorted);
        free(order);
        return oct_fail_memory(err, (size_t)found_count * sizeof *sorted, "detections");
    }
    for (int range = 0; range < AREAS; range++) {
        int64_t counting = 0, matches = 0;
        for (int64_t g = 0, d = 0; g < truth_count || d < found_count;) {
            int64_t image =
                g < truth_count && (d == found_count || truths[g].image < found[d].image)
                    ? truths[g].image
                    : found[d].image;
            int64_t g_end = g, d_end = d;
            while (g_end < truth_count && truths[g_end].image == image)
                g_end++;
            while (d_end < found_count && found[d_end].image == image)
                d_end++;
            int64_t boxes = d_end - d < MOST ? d_end - d : MOST;
            int64_t here = match_image(
                w, truths + g, g_end - g, found + d, boxes, range, order, w->matches + matches);
            if (range == 0 && w->kept != NULL)
                keep_truths(w->kept, image, here);
            counting += here;
            matches += boxes;
            g = g_end;
            d = d_end;
        }
        for (int64_t i = 0; i < matches; i++)
            sorted[i] = &w->matches[i];
        qsort(sorted, (size_t)matches, sizeof *sorted, by_match_score);
        if (range == 0 && w->kept != NULL)
            keep_found(w->kept, sorted, matches);
        t->categories[range] += counting > 0;
        for (int k = 0; k < OVERLAPS && counting > 0; k++)
            for (int l = 0; l < LIMITS; l++) {
                double precision, recall;
                read_curve(w, sorted, matches, counting, k, limits[l], &precision, &recall);
                t->precision[k][range][l] += precision;
                t->recall[k][range][l] += recall;
            }
    }
    free(sorted);
    free(order);
    return OCT_OK;
}

/* Copies in order; the comparison sees the addresses of the originals. */
static oct_status sort_boxes(work *w, const oct_true_box *truths, int64_t truth_count,
    const oct_found_box *found, int64_t found_count, oct_error *err)
{
    size_t most = (size_t)(truth_count > found_count ? truth_count : found_count) + 1;
    const void **order = malloc(most * sizeof *order);
    w->truths = malloc(((size_t)truth_count + 1) * sizeof *w->truths);
    w->found = malloc(((size_t)found_count + 1) * sizeof *w->found);
    w->matches = malloc(((size_t)found_count + 1) * sizeof *w->matches);
    w->overlaps = malloc(((size_t)truth_count + 1) * sizeof *w->overlaps);
    w->taken = malloc(((size_t)truth_count + 1) * OVERLAPS * sizeof *w->taken);
    w->ignore = malloc(((size_t)truth_count + 1) * sizeof *w->ignore);
    w->curve = malloc((2 * (size_t)found_count + 1) * sizeof *w->curve);
    if (order == NULL || w->truths == NULL || w->found == NULL || w->matches == NULL ||
        w->overlaps == NULL || w->taken == NULL || w->ignore == NULL || w->curve == NULL) {
        free(order);
        return oct_fail_memory(err, most * sizeof *w->matches, "detections");
    }
    for (int64_t i = 0; i < truth_count; i++)
        order[i] = &truths[i];
    qsort(order, (size_t)truth_count, sizeof *order, by_place);
    for (int64_t i = 0; i < truth_count; i++)
        w->truths[i] = *(const oct_true_box *)order[i];
    for (int64_t i = 0; i < found_count; i++)
        order[i] = &found[i];
    qsort(order, (size_t)found_count, sizeof *order, by_place_and_score);
    for (int64_t i = 0; i < found_count; i++)
        w->found[i] = *(const oct_found_box *)order[i];
    free(order);
    return OCT_OK;
}

static void free_work(work *w)
{
    free(w->truths);
    free(w->found);
    free(w->matches);
    free(w->overlaps);
    free(w->taken);
    free(w->ignore);
    free(w->curve);
}

/* Mean over categories and the overlaps first..last; -1 without categories. */
static double mean_of(const double sums[OVERLAPS][AREAS][LIMITS], const totals *t, int first,
    int last, int range, int limit)
{
    double sum = 0;
    for (int k = first; k <= last; k++)
        sum += sums[k][range][limit];
    return t->categories[range] > 0 ? sum / (last - first + 1) / t->categories[range] : -1;
}

static void summarise(const totals *t, oct_detection_metrics *out)
{
    *out = (oct_detection_metrics){
        .ap = mean_of(t->precision, t, 0, OVERLAPS - 1, 0, 2),
        .ap50 = mean_of(t->precision, t, 0, 0, 0, 2),
        .ap75 = mean_of(t->precision, t, 5, 5, 0, 2),
        .ap_small = mean_of(t->precision, t, 0, OVERLAPS - 1, 1, 2),
        .ap_medium = mean_of(t->precision, t, 0, OVERLAPS - 1, 2, 2),
        .ap_large = mean_of(t->precision, t, 0, OVERLAPS - 1, 3, 2),
        .ar1 = mean_of(t->recall, t, 0, OVERLAPS - 1, 0, 0),
        .ar10 = mean_of(t->recall, t, 0, OVERLAPS - 1, 0, 1),
        .ar100 = mean_of(t->recall, t, 0, OVERLAPS - 1, 0, 2),
        .ar_small = mean_of(t->recall, t, 0, OVERLAPS - 1, 1, 2),
        .ar_medium = mean_of(t->recall, t, 0, OVERLAPS - 1, 2, 2),
        .ar_large = mean_of(t->recall, t, 0, OVERLAPS - 1, 3, 2),
    };
}

static oct_status make_room(
    oct_matches *kept, int64_t truth_count, int64_t found_count, oct_error *err)
{
    size_t truths = (size_t)truth_count + 1, found = (size_t)found_count + 1;
    *kept = (oct_matches){ .found = malloc(found * sizeof *kept->found),
        .truths = malloc(truths * sizeof *kept->truths),
        .found_ends = calloc(truths, sizeof *kept->found_ends),
        .truth_ends = calloc(truths, sizeof *kept->truth_ends),
        .curve = malloc(2 * found * sizeof *kept->curve) };
    if (kept->found == NULL || kept->truths == NULL || kept->found_ends == NULL ||
        kept->truth_ends == NULL || kept->curve == NULL)
        return oct_fail_memory(err, found * sizeof *kept->found, "detections");
    return OCT_OK;
}

oct_status oct_detection_score(const oct_true_box *truths, int64_t truth_count,
    const oct_found_box *found, int64_t found_count, oct_detection_metrics *out,
    oct_matches *matches, oct_error *err)
{
    work w = { .kept = matches };
    totals t = { 0 };
    if (matches != NULL)
        OCT_TRY(make_room(matches, truth_count, found_count, err));
    oct_status status = sort_boxes(&w, truths, truth_count, found, found_count, err);
    for (int64_t g = 0, d = 0; status == OCT_OK && g < truth_count;) {
        int32_t category = w.truths[g].category;
        int64_t g_end = g, d_end;
        while (g_end < truth_count && w.truths[g_end].category == category)
            g_end++;
        while (d < found_count && w.found[d].category < category)
            d++;
        for (d_end = d; d_end < found_count && w.found[d_end].category == category; d_end++)
            continue;
        status = score_category(&w, w.truths + g, g_end - g, w.found + d, d_end - d, &t, err);
        g = g_end;
        d = d_end;
    }
    if (status == OCT_OK)
        summarise(&t, out);
    free_work(&w);
    return status;
}
