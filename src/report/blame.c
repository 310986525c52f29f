/*
 * The layers of a form, as the comparison layer by layer left them.
 */
#include "report/blame.h"

oct_status oct_comparison_blame(oct_comparison *c, oct_error *err)
{
    for (int32_t i = 0; i < c->made_count; i++) {
        oct_made *m = &c->made[i];
        if (m->diff == NULL)
            continue;
        m->blamed_count = oct_diff_blame(m->diff, m->blamed, OCT_BLAMED);
        OCT_TRY(oct_layer_costs(c->bench, 0, m->index, m->blamed, m->blamed_count, m->costs, err));
    }
    return OCT_OK;
}

static json_t *pair_json(double low, double high)
{
    return json_pack("[o, o]", oct_report_number(low), oct_report_number(high));
}

static json_t *error_json(const oct_layer_error *e)
{
    json_t *error = json_pack("{s:o, s:s, s:s, s:o, s:I, s:f, s:o, s:f, s:i}", "layer",
        oct_report_text(e->layer), "op", e->op, "type", e->type, "sqnr_db",
        oct_report_number(e->sqnr_db), "channels_rescaled", (json_int_t)e->channels_rescaled,
        "loss_db", e->loss_db, "largest_error", oct_report_number(e->largest_error), "saturated",
        e->saturated, "codes_used", (int)e->codes_used);
    if (e->alone) {
        json_object_set_new(error, "entering_db", oct_report_number(e->entering_db));
        json_object_set_new(error, "added_db", oct_report_number(e->added_db));
        json_object_set_new(error, "blame", json_real(e->blame));
    }
    if (e->has_range) {
        json_object_set_new(error, "range", pair_json(e->range_low, e->range_high));
        json_object_set_new(error, "most_values", pair_json(e->most_low, e->most_high));
    }
    return error;
}

json_t *oct_errors_json(const oct_made *made)
{
    json_t *errors = json_array();
    for (int32_t i = 0; made->diff != NULL && i < oct_diff_count(made->diff); i++)
        json_array_append_new(errors, error_json(oct_diff_layer(made->diff, i)));
    return errors;
}

static json_t *price_json(const oct_layer_error *e, const oct_layer_cost *cost)
{
    json_t *price = json_pack("{s:o, s:s, s:f, s:I}", "layer", oct_report_text(e->layer), "op",
        e->op, "blame", e->blame, "float_adds_bytes", (json_int_t)cost->bytes);
    if (!cost->timed)
        return price;
    json_object_set_new(price, "ns", json_real(cost->ns));
    json_object_set_new(price, "float_ns", json_real(cost->float_ns));
    json_object_set_new(price, "convert_ns", json_real(cost->convert_ns));
    json_object_set_new(
        price, "float_adds_ns", json_real(cost->float_ns - cost->ns + cost->convert_ns));
    return price;
}

json_t *oct_blamed_json(const oct_made *made)
{
    json_t *blamed = json_array();
    for (int32_t i = 0; i < made->blamed_count; i++)
        json_array_append_new(blamed, price_json(made->blamed[i], &made->costs[i]));
    return blamed;
}
