/*
 * Writing, second half: structs are packed, laid out and sent piece by piece. Constants go to the
 * sink from where they are.
 *
 * A file too large for FlatBuffers' 31-bit offsets has its constants behind the FlatBuffer:
 * [FlatBuffer][zeros to 16][constant][zeros to 16][constant]…[16 zeros]. Their places depend on the
 * size of the FlatBuffer, which does not depend on their places: it is packed twice.
 */
#include "tflite/write.h"

#include "tflite/export.h"
#include "tflite/layout.h"

/* A model ready to be sent. */
typedef struct plan {
    oct_fb_export export;
    oct_fb_pack pack;
    oct_fb_layout layout;
    uint64_t file_bytes;
} plan;

static void plan_deinit(plan *p)
{
    oct_fb_layout_deinit(&p->layout);
    oct_fb_pack_deinit(&p->pack);
    oct_fb_export_deinit(&p->export);
}

static oct_status pack_and_lay_out(plan *p, oct_error *err)
{
    oct_fb_layout_deinit(&p->layout);
    oct_fb_pack_deinit(&p->pack);
    OCT_TRY(oct_fb_pack_model(&p->export.model, p->export.causes, &p->pack, err));
    return oct_fb_layout_create(&p->pack, &p->layout, err);
}

static bool fits(const plan *p, uint64_t limit)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < p->export.count; i++)
        if (p->export.contents[i].size > limit || (sum += p->export.contents[i].size) > limit)
            return false;
    return true;
}

static oct_status plan_inside(const oct_graph *graph, uint64_t limit, plan *p, oct_error *err)
{
    OCT_TRY(oct_fb_export_graph(graph, false, &p->export, err));
    if (!fits(p, limit))
        return OCT_OK;
    OCT_TRY(pack_and_lay_out(p, err));
    p->file_bytes = p->layout.bytes;
    return OCT_OK;
}

static oct_status plan_outside(const oct_graph *graph, uint64_t limit, plan *p, oct_error *err)
{
    plan_deinit(p);
    OCT_TRY(oct_fb_export_graph(graph, true, &p->export, err));
    OCT_TRY(pack_and_lay_out(p, err));
    uint64_t bytes = p->layout.bytes;
    p->file_bytes = oct_fb_place_outside(&p->export, bytes);
    OCT_TRY(pack_and_lay_out(p, err));
    if (p->layout.bytes != bytes || bytes > limit)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "the model's structure takes %llu bytes; the file format allows %llu",
            (unsigned long long)bytes, (unsigned long long)limit);
    return OCT_OK;
}

static oct_status plan_create(const oct_graph *graph, uint64_t limit, plan *p, oct_error *err)
{
    *p = (plan){ 0 };
    OCT_TRY(plan_inside(graph, limit, p, err));
    if (p->file_bytes == 0 || p->file_bytes > limit)
        return plan_outside(graph, limit, p, err);
    return OCT_OK;
}

static oct_status send_plan(oct_fb_stream *s, const plan *p)
{
    OCT_TRY(oct_fb_send_model(s, &p->pack, &p->layout));
    for (uint32_t i = 0; i < p->export.count; i++) {
        const oct_fb_content *content = &p->export.contents[i];
        if (!content->outside)
            continue;
        OCT_TRY(oct_fb_send_zeros(s, p->export.buffers[i].offset));
        OCT_TRY(oct_fb_send(s, content->data, content->size));
    }
    OCT_TRY(oct_fb_send_zeros(s, p->file_bytes));
    return oct_fb_stream_flush(s);
}

oct_status oct_tflite_write_within(const oct_graph *graph, uint64_t limit, oct_tflite_sink *write,
    void *user, oct_error *err)
{
    plan p;
    oct_fb_stream s;
    OCT_TRY(oct_fb_stream_open(&s, write, user, err));
    oct_status status = plan_create(graph, limit, &p, err);
    s.graph = graph;
    if (status == OCT_OK)
        status = send_plan(&s, &p);
    plan_deinit(&p);
    oct_fb_stream_close(&s);
    return status;
}

oct_status oct_tflite_write(const oct_graph *graph,
    oct_status (*write)(void *user, const void *bytes, size_t size, oct_error *err), void *user,
    oct_error *err)
{
    return oct_tflite_write_within(graph, INT32_MAX, write, user, err);
}

static void count_objects(const plan *p, size_t bytes[OCT_FB_CAUSE_COUNT])
{
    for (uint32_t i = 0; i < p->pack.count; i++)
        bytes[p->pack.objects[i].cause] += oct_fb_object_bytes(&p->pack.objects[i]);
    for (uint32_t i = 0; i < p->export.count; i++)
        if (p->export.contents[i].outside)
            bytes[p->export.contents[i].cause] += p->export.contents[i].size;
}

oct_status oct_tflite_measure(const oct_graph *graph, oct_tflite_ledger *ledger, oct_error *err)
{
    plan p;
    size_t bytes[OCT_FB_CAUSE_COUNT] = { 0 };
    oct_status status = plan_create(graph, INT32_MAX, &p, err);
    if (status == OCT_OK)
        count_objects(&p, bytes);
    *ledger = (oct_tflite_ledger){
        .total = (size_t)p.file_bytes,
        .weights = bytes[OCT_FB_WEIGHTS],
        .biases = bytes[OCT_FB_BIASES],
        .other_constants = bytes[OCT_FB_OTHER_CONSTANTS],
        .quantization = bytes[OCT_FB_QUANTIZATION],
        .names = bytes[OCT_FB_NAMES],
        .metadata = bytes[OCT_FB_METADATA],
    };
    /* Header and padding belong to the structure. */
    ledger->structure = ledger->total - ledger->weights - ledger->biases - ledger->other_constants -
        ledger->quantization - ledger->names - ledger->metadata;
    plan_deinit(&p);
    return status;
}
