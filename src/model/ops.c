/*
 * The operators known as a JSON text, printed from their descriptors.
 */
#include <stdio.h>
#include <string.h>

#include "model/json.h"
#include "model/model.h"
#include "ops/op.h"

enum { RULE_TEXT = 256 };

static void add(char *text, const char *more)
{
    size_t used = strlen(text);
    snprintf(text + used, RULE_TEXT - used, "%s", more);
}

static void add_role(char *text, oct_role role, int axis)
{
    char word[32];
    switch (role) {
    case OCT_ROLE_NONE:
        add(text, " -");
        break;
    case OCT_ROLE_ACT:
        add(text, " act");
        break;
    case OCT_ROLE_WEIGHT:
        snprintf(word, sizeof word, axis < 0 ? " weight" : " weight[axis %d]", axis);
        add(text, word);
        break;
    case OCT_ROLE_BIAS:
        add(text, " bias");
        break;
    }
}

/* " act weight[axis 0] bias -> act; int8 int16; dynamic: hybrid" */
static const char *rule_text(const oct_quant_rule *rule, char text[RULE_TEXT])
{
    static const char *const links[] = { "", "; one scale throughout", "; fixed scale" };
    static const char *const dynamics[] = { "", "; dynamic: hybrid", "; dynamic: weights only" };
    static const char *const narrow[] = { " int8", " int16", " dynamic" }; /* bits of OCT_NARROW_* */
    text[0] = '\0';
    if (rule->in_slots == 0)
        return "stays as it is";
    for (int i = 0; i < rule->in_slots; i++)
        add_role(text, (oct_role)rule->in[i], rule->weight_axis);
    add(text, " ->");
    for (int i = 0; i < rule->out_slots; i++)
        add_role(text, (oct_role)rule->out[i], -1);
    add(text, links[rule->link]);
    add(text, rule->s8 && rule->s16 ? "; int8 int16" : rule->s8 ? "; int8" : "");
    add(text, dynamics[rule->dynamic]);
    if (rule->narrow != 0)
        add(text, "; 4-bit weights:");
    for (int form = 0; form < 3; form++)
        add(text, rule->narrow >> form & 1 ? narrow[form] : "");
    return text + 1;
}

static json_t *forms(const oct_kernel *kernels)
{
    json_t *array = json_array();
    for (int form = 0; form < OCT_FORM_COUNT; form++)
        if (kernels[form].eval != NULL)
            json_array_append_new(array, json_string(oct_form_name((oct_form)form)));
    return array;
}

/* One word of the runtime list for each version. */
static json_t *runtimes(const char *text)
{
    json_t *array = json_array();
    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, " ");
        json_array_append_new(array, json_stringn(text, length));
        text += length + strspn(text + length, " ");
    }
    return array;
}

static json_t *op_object(const oct_op_def *def)
{
    char rule[RULE_TEXT];
    json_t *object = json_object(), *versions = runtimes(def->runtime);
    json_object_set_new(object, "name", json_string(def->name));
    json_object_set_new(object, "code", json_integer((json_int_t)def->code));
    json_object_set_new(object, "ref", forms(def->ref));
    json_object_set_new(object, "fast", forms(def->fast));
    json_object_set_new(object, "max_version", json_integer((json_int_t)json_array_size(versions)));
    json_object_set_new(object, "runtimes", versions);
    json_object_set_new(object, "rule", json_string(rule_text(&def->quant, rule)));
    return object;
}

/* An operator without kernels: "absent" says why. */
static json_t *absent_object(oct_builtin op)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(oct_builtin_name(op)));
    json_object_set_new(object, "code", json_integer((json_int_t)op));
    json_object_set_new(object, "ref", json_array());
    json_object_set_new(object, "fast", json_array());
    json_object_set_new(object, "max_version", json_integer(0));
    json_object_set_new(object, "runtimes", json_array());
    json_object_set_new(object, "rule", json_string("stays as it is"));
    json_object_set_new(object, "absent", json_string(oct_op_absence(op)));
    return object;
}

oct_status oct_ops_describe(char **json, oct_error *err)
{
    int32_t count;
    const oct_op_def *const *all = oct_op_all(&count);
    json_t *array = json_array();
    for (int32_t i = 0; i < count; i++)
        json_array_append_new(array, op_object(all[i]));
    for (int code = 0; code < OCT_OP_COUNT; code++)
        if (oct_op_absence((oct_builtin)code) != NULL)
            json_array_append_new(array, absent_object((oct_builtin)code));
    *json = json_dumps(array, JSON_INDENT(2));
    json_decref(array);
    return *json == NULL ? oct_fail_memory(err, 0, "description") : OCT_OK;
}
