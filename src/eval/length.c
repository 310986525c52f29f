/*
 * The length that the first sample gives to an input of open length.
 */
#include <stdlib.h>

#include "base/error.h"
#include "eval/source.h"

/* The only dimension above 1; 0: there are several. */
static int64_t length_of(const oct_sample_value *field)
{
    int64_t length = 1;
    for (int32_t i = 0; i < field->rank; i++) {
        if (field->dims[i] != 1 && length != 1)
            return 0;
        length = field->dims[i] != 1 ? field->dims[i] : length;
    }
    return length;
}

oct_status oct_data_fit_length(
    const oct_data *data, oct_model *model, int32_t *length, oct_error *err)
{
    const oct_source *source = data->source;
    oct_sample_value field = { 0 };
    *length = 0;
    if (source->random || source->array_count > 1 || !oct_model_has_open_length(model))
        return OCT_OK;
    OCT_TRY(oct_error_prefix(err,
        oct_source_read(source, data->chosen == NULL ? 0 : data->chosen[0], NULL, &field, err), "%s",
        data->spec));
    int64_t found = length_of(&field);
    free(field.owned);
    if (found <= 1 || found > INT32_MAX)
        return OCT_OK;
    *length = (int32_t)found;
    return oct_model_fix_length(model, *length, err);
}
