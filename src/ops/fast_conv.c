/*
 * Convolution as a product of gathered rows and packed panels.
 *
 * The rows (pixels) are cut into blocks whose receptive fields stay in the second-level cache; a piece
 * of work is one block times a group of panels. Int8 activations are seen as uint8 (XOR 0x80) by
 * kernels that multiply uint8 by int8, as what they are by those for int8, and as int16 without
 * their zero point by the others; the packed bias makes up for it. Groups of a grouped convolution are
 * panels of their own on rows of their own. The result of a row depends on nothing but the row, so any
 * split gives the same bytes.
 */
#include "ops/fast_conv.h"

#include "ops/arith.h"
#include "ops/fast_conv_parts.h"

enum { TILE_BYTES = 256 * 1024, MOST_ROWS = 84, SUM_ROWS = 32, PIECES_PER_WORKER = 3 };

static void choose_kernel(const oct_op *op, const oct_linear *l, oct_fast_conv *f)
{
    const oct_kernel_set *k = f->kernels = oct_kernel_set_get();
    bool in_bytes = oct_fast_conv_on_bytes(op, f);
    f->layout = oct_fast_conv_is_float(op) ? &k->f32_layout : in_bytes ? &k->s8_layout : &k->s16_layout;
    f->tiles = in_bytes && k->gemm_s8_tiles.product != NULL
        && oct_window_pixels(&l->window) >= OCT_GEMM_TILE_ROWS;
    f->product = in_bytes ? k->gemm_s8 : k->gemm_s16;
    f->groups = l->window.in_c / l->window.depth;
    f->group_c = l->window.out_c / f->groups;
    f->k = oct_window_taps(&l->window);
    f->depth = oct_gemm_depth(f->layout, f->k);
    size_t bytes = oct_fast_conv_is_float(op) ? 4 : in_bytes ? 1 : 2;
    f->gather = (oct_gather){ .window = l->window, .in_bytes = oct_fast_conv_is_float(op) ? 4 : 1,
        .out_bytes = bytes, .row_bytes = f->depth * bytes, .zero = l->in_zero };
    if (op->form == OCT_FORM_S16)
        f->gather.in_bytes = 2;
    else if (in_bytes)
        f->gather.flip = k->s8_signed ? NULL : k->move_flip;
    else if (!oct_fast_conv_is_float(op))
        f->gather.widen = k->move_widen;
    const oct_window *w = &l->window;
    f->in_place = f->groups == 1 && f->gather.in_bytes == bytes && f->gather.flip == NULL && f->depth == f->k
        && w->kernel_h == 1 && w->kernel_w == 1 && w->stride_h == 1 && w->stride_w == 1 && w->pad_top == 0
        && w->pad_left == 0;
}

/* Rows of a block that are whole tiles of all kernels; blocks of about equal size. */
static void choose_blocks(const oct_op *op, const oct_linear *l, oct_fast_conv *f)
{
    static const int32_t vector_rows[] = { MOST_ROWS, 42, 24, 12, 6 };
    static const int32_t tile_rows[] = { 64, 64, 64, 32, 32 };
    const int32_t *sizes = f->tiles ? tile_rows : vector_rows;
    f->rows = oct_window_pixels(&l->window);
    int32_t i = f->layout->bytes == 4 ? 0 : 1;
    while (i < 4 && (size_t)sizes[i] * f->gather.row_bytes > TILE_BYTES)
        i++;
    size_t blocks = (f->rows + (size_t)sizes[i] - 1) / (size_t)sizes[i];
    f->block_rows = blocks > 0 ? (int32_t)((f->rows + blocks - 1) / blocks) : 1;
    if (f->tiles && blocks > 1) /* whole pairs of row tiles, the rest by vectors */
        f->block_rows = sizes[i];
    f->blocks = (int32_t)((f->rows + (size_t)f->block_rows - 1) / (size_t)f->block_rows);
    int32_t width = oct_gemm_panel_columns(f->layout);
    f->group_panels = (f->group_c + width - 1) / width;
    f->panel_count = f->groups * f->group_panels;
    int32_t workers = oct_pool_threads(op->pool), groups = 1;
    if (workers > 1 && f->blocks > 0 && f->blocks < PIECES_PER_WORKER * workers)
        groups = (PIECES_PER_WORKER * workers + f->blocks - 1) / f->blocks;
    groups = groups < f->panel_count ? groups : f->panel_count;
    f->panel_group = (f->panel_count + groups - 1) / groups;
    f->panel_groups = (f->panel_count + f->panel_group - 1) / f->panel_group;
}

static bool is_known(const oct_op *op, const oct_linear *l)
{
    bool has_bias = l->slots.bias < op->in_count && op->in[l->slots.bias] != NULL;
    return op->in[l->slots.filter]->known && (!has_bias || op->in[l->slots.bias]->known);
}

oct_status oct_fast_conv_prepare(oct_op *op, bool *usable, oct_error *err)
{
    const oct_linear *l = op->prepared;
    enum { MOST_GROUPED = 1 << 24 }; /* channels of groups are padded to whole vectors */
    *usable = is_known(op, l)
        && (l->window.depth == l->window.in_c || l->window.out_c <= MOST_GROUPED);
    if (!*usable)
        return OCT_OK;
    oct_fast_conv *f = oct_op_alloc(op, sizeof *f);
    if (f == NULL)
        return oct_fail_memory(err, sizeof *f, "convolution");
    op->packed = f;
    choose_kernel(op, l, f);
    choose_blocks(op, l, f);
    OCT_TRY(oct_fast_conv_pack(op, l, f, err));
    OCT_TRY(oct_linear_scratch(op, usable, err));
    size_t rows = (size_t)f->block_rows;
    size_t tile = rows * f->gather.row_bytes;
    tile += f->gather.widen != NULL ? tile / 2 : 0;
    f->tile_bytes = f->in_place ? 0 : (tile + 63) / 64 * 64;
    f->sum_bytes = oct_fast_conv_is_float(op) ? 0 : rows * (size_t)oct_gemm_panel_columns(f->layout) * 4;
    f->worker_bytes = f->tile_bytes + (op->form == OCT_FORM_S16 ? 3 : 1) * f->sum_bytes;
    op->scratch_bytes[0] = (size_t)oct_pool_threads(op->pool) * f->worker_bytes;
    if (op->form == OCT_FORM_HYBRID)
        oct_linear_offer_range(op, l);
    return OCT_OK;
}

/* A tile of sums of one panel on its way to the output. */
typedef struct sums {
    const int32_t *sum;
    int64_t *total; /* int16 forms: the sums in 64 bits */
    size_t stride;
    size_t row;
    int32_t rows, column, columns, worker;
    int32_t constants; /* of the column, in rq */
} sums;

static void finish_s16(const oct_op *op, const oct_linear *l, const sums *s, int16_t *y)
{
    const void *bias = oct_linear_bias(op, l);
    oct_requant rq = l->rq;
    rq.by = rq.by == NULL ? NULL : rq.by + s->column;
    rq.real = rq.real == NULL ? NULL : rq.real + s->column;
    for (int32_t m = 0; m < s->rows; m++, y += l->window.out_c) {
        const int64_t *total = s->total + (size_t)m * s->stride;
        if (l->bias32)
            oct_requant_s16_b32(total, bias == NULL ? NULL : (const int32_t *)bias + s->column,
                (size_t)s->columns, &rq, y);
        else
            oct_requant_s16_b64(total, bias == NULL ? NULL : (const int64_t *)bias + s->column,
                (size_t)s->columns, &rq, y);
    }
}

static void finish_hybrid(const oct_op *op, const oct_linear *l, const oct_fast_conv *f, const sums *s,
    float *y)
{
    const oct_row_quant *units = op->scratch[2], *unit[MOST_ROWS];
    size_t pixels = (size_t)l->window.out_h * (size_t)l->window.out_w;
    for (int32_t m = 0; m < s->rows; m++)
        unit[m] = units + (s->row + (size_t)m) / pixels;
    oct_hybrid_args args = { .sum = s->sum, .sum_stride = s->stride, .rows = s->rows,
        .columns = s->columns, .unit = unit,
        .column_sum = f->column_sum + s->column, .scale = l->scale + s->column,
        .bias = f->bias + s->column, .lo = l->lo, .hi = l->hi, .y = y,
        .y_stride = (size_t)l->window.out_c, .range = oct_linear_range(op, s->worker) };
    (l->channel_first ? f->kernels->hybrid_channel : f->kernels->hybrid_shared)(&args);
}

static void finish(const oct_op *op, const oct_linear *l, const oct_fast_conv *f, const sums *s)
{
    size_t n = (size_t)l->window.out_c, at = s->row * n + (size_t)s->column;
    void *y = op->out[0]->data;
    if (op->form == OCT_FORM_S8)
        f->requant(s->sum, s->stride, s->rows, s->columns, &f->rq, s->constants, (int8_t *)y + at,
            n);
    else if (op->form == OCT_FORM_HYBRID)
        finish_hybrid(op, l, f, s, (float *)y + at);
    else if (f->wide)
        f->kernels->requant_s16(s->sum, s->stride, s->rows, s->columns, &f->rq_s16, s->column,
            (int16_t *)y + at, n);
    else
        finish_s16(op, l, s, (int16_t *)y + at);
}

static char *worker_scratch(const oct_op *op, int32_t worker)
{
    return (char *)op->scratch[0] + (size_t)worker * ((const oct_fast_conv *)op->packed)->worker_bytes;
}

/* A group's rows of a block as the kernels want them: gathered into the worker's tile, or in place. */
static const void *block_rows(const oct_op *op, const oct_linear *l, const oct_fast_conv *f, size_t row,
    int32_t rows, int32_t group, char *tile)
{
    bool hybrid = op->form == OCT_FORM_HYBRID;
    const char *x = hybrid ? op->scratch[1] : op->in[l->slots.data]->data;
    if (f->in_place)
        return x + row * f->gather.row_bytes;
    x += (size_t)group * (size_t)l->window.depth * f->gather.in_bytes;
    oct_gather_rows(&f->gather, x, hybrid ? op->scratch[2] : NULL, row, rows, tile);
    return tile;
}

/* A panel of a group: its channels, and its columns among those of the group. */
typedef struct panel {
    int32_t group, index; /* index: within the group */
    int32_t column, columns, vectors;
} panel;

static panel panel_at(const oct_fast_conv *f, int32_t index)
{
    int32_t width = oct_gemm_panel_columns(f->layout);
    panel p = { .group = index / f->group_panels, .index = index % f->group_panels };
    int32_t within = p.index * width, left = f->group_c - within;
    p.column = p.group * f->group_c + within;
    p.columns = left < width ? left : width;
    p.vectors = oct_gemm_panel_vectors(f->layout, f->group_c, within);
    return p;
}

static void multiply_panel_f32(const oct_op *op, const void *a, const panel *p, size_t row,
    int32_t rows)
{
    const oct_linear *l = op->prepared;
    const oct_fast_conv *f = op->packed;
    size_t n = (size_t)l->window.out_c;
    const char *weights = (const char *)oct_fast_conv_panels(f, 0, p->group, f->k)
        + (size_t)p->index * oct_gemm_panel_bytes(f->layout, f->k);
    f->kernels->gemm_f32(&(oct_gemm_f32_args){ .a = a, .a_stride = f->depth, .rows = rows,
        .depth = (int32_t)f->depth, .panel = (const float *)(const void *)weights,
        .vectors = p->vectors, .columns = p->columns, .lo = l->lo, .hi = l->hi,
        .y = (float *)op->out[0]->data + row * n + (size_t)p->column, .y_stride = n });
}

/* Sums of one panel, chunk by chunk; int16 forms but the vectorised one add them up in int64. */
static void multiply_rows_int(const oct_op *op, const void *a, const panel *p, size_t row,
    int32_t rows, int32_t worker)
{
    const oct_linear *l = op->prepared;
    const oct_fast_conv *f = op->packed;
    int32_t width = oct_gemm_panel_columns(f->layout);
    size_t count = (size_t)rows * (size_t)width, element = f->gather.out_bytes;
    char *scratch = worker_scratch(op, worker);
    int32_t *sum = (int32_t *)(void *)(scratch + f->tile_bytes);
    int64_t *total = (int64_t *)(void *)(scratch + f->tile_bytes + f->sum_bytes);
    oct_gemm_int_fn product =
        f->tiles && rows >= OCT_GEMM_TILE_ROWS ? f->kernels->gemm_s8_tiles.product : f->product;
    for (int32_t i = 0; i < f->chunks; i++) {
        size_t taps = oct_fast_conv_chunk_taps(f, i), depth = oct_gemm_depth(f->layout, taps);
        product(&(oct_gemm_int_args){
            .a = (const char *)a + (size_t)i * f->chunk * element, .a_stride = f->depth,
            .rows = rows, .groups = (int32_t)depth / f->layout->group,
            .panel = (const char *)oct_fast_conv_panels(f, i, p->group, taps)
                + (size_t)p->index * oct_gemm_panel_bytes(f->layout, taps),
            .vectors = p->vectors, .sum = sum,
            .sum_stride = (size_t)width });
        if (op->form == OCT_FORM_S16 && !f->wide)
            for (size_t j = 0; j < count; j++)
                total[j] = (i == 0 ? 0 : total[j]) + sum[j];
    }
    finish(op, l, f,
        &(sums){ sum, total, (size_t)width, row, rows, p->column, p->columns, worker,
            p->group * f->group_constants + p->index * width });
}

/* A few rows at a time: their sums are still in the first-level cache when they are finished. */
static void multiply_panel_int(const oct_op *op, const void *a, const panel *p, size_t row,
    int32_t rows, int32_t worker)
{
    const oct_fast_conv *f = op->packed;
    int32_t parts = rows > SUM_ROWS ? rows / SUM_ROWS : 1, each = (rows + parts - 1) / parts;
    for (int32_t m = 0; m < rows; m += each)
        multiply_rows_int(op, (const char *)a + (size_t)m * f->gather.row_bytes, p,
            row + (size_t)m, rows - m < each ? rows - m : each, worker);
}

static void multiply_block(const oct_op *op, int32_t block, int32_t group, int32_t worker)
{
    const oct_linear *l = op->prepared;
    const oct_fast_conv *f = op->packed;
    size_t row = (size_t)block * (size_t)f->block_rows, left = f->rows - row;
    int32_t rows = left < (size_t)f->block_rows ? (int32_t)left : f->block_rows;
    const void *a = NULL;
    int32_t last = (group + 1) * f->panel_group;
    last = last < f->panel_count ? last : f->panel_count;
    int32_t gathered = -1;
    for (int32_t i = group * f->panel_group; i < last; i++) {
        panel p = panel_at(f, i);
        if (p.group != gathered)
            a = block_rows(op, l, f, row, rows, p.group, worker_scratch(op, worker));
        gathered = p.group;
        if (oct_fast_conv_is_float(op))
            multiply_panel_f32(op, a, &p, row, rows);
        else
            multiply_panel_int(op, a, &p, row, rows, worker);
    }
}

static void multiply_pieces(void *user, size_t begin, size_t end, int32_t worker)
{
    const oct_op *op = user;
    const oct_fast_conv *f = op->packed;
    if (f->tiles)
        f->kernels->gemm_s8_tiles.begin((int32_t)f->depth / f->layout->group);
    for (size_t i = begin; i < end; i++)
        multiply_block(op, (int32_t)(i / (size_t)f->panel_groups),
            (int32_t)(i % (size_t)f->panel_groups), worker);
    if (f->tiles)
        f->kernels->gemm_s8_tiles.end();
}

oct_status oct_fast_conv_eval(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_linear *l = op->prepared;
    const oct_fast_conv *f = op->packed;
    if (op->form == OCT_FORM_HYBRID)
        oct_linear_quantize(op, l, &f->kernels->quantize, l->asymmetric);
    oct_linear_reset_range(op);
    size_t pieces = (size_t)f->blocks * (size_t)f->panel_groups;
    size_t grain = pieces / (size_t)(PIECES_PER_WORKER * oct_pool_threads(op->pool));
    oct_pool_for(op->pool, pieces, grain > 0 ? grain : 1, multiply_pieces, op);
    return OCT_OK;
}
