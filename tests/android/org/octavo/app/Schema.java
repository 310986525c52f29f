package org.octavo.app;

import java.util.Iterator;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/** As much of JSON Schema as docs/results.schema.json uses. */
final class Schema {
    private final JSONObject root;

    Schema(String text) throws JSONException {
        root = new JSONObject(text);
    }

    /** The first fault with its place; null when the value fits. */
    String fault(Object value) throws JSONException {
        return fault(root, value, "results");
    }

    private String fault(JSONObject schema, Object value, String place) throws JSONException {
        if (schema.has("$ref")) {
            String name = schema.getString("$ref").replace("#/$defs/", "");
            return fault(root.getJSONObject("$defs").getJSONObject(name), value, place);
        }
        if (schema.has("const") && !schema.get("const").equals(value)) return place + ": " + value;
        if (schema.has("enum") && !holds(schema.getJSONArray("enum"), value)) return place + ": " + value;
        if (schema.has("type") && !typed(schema.get("type"), value))
            return place + ": " + value + " is not " + schema.get("type");
        if (schema.has("minimum") && ((Number) value).doubleValue() < schema.getDouble("minimum"))
            return place + ": " + value + " is too small";
        if (value instanceof JSONObject) return objectFault(schema, (JSONObject) value, place);
        JSONArray array = value instanceof JSONArray ? (JSONArray) value : new JSONArray();
        for (int i = 0; schema.has("items") && i < array.length(); i++) {
            String fault = fault(schema.getJSONObject("items"), array.get(i), place + "[" + i + "]");
            if (fault != null) return fault;
        }
        return null;
    }

    private String objectFault(JSONObject schema, JSONObject object, String place) throws JSONException {
        JSONArray required = schema.optJSONArray("required");
        for (int i = 0; required != null && i < required.length(); i++)
            if (!object.has(required.getString(i))) return place + "." + required.getString(i) + ": missing";
        JSONObject properties = schema.optJSONObject("properties");
        for (Iterator<String> keys = object.keys(); properties != null && keys.hasNext(); ) {
            String key = keys.next();
            String fault = !properties.has(key) ? null
                    : fault(properties.getJSONObject(key), object.get(key), place + "." + key);
            if (fault != null) return fault;
        }
        return null;
    }

    private static boolean holds(JSONArray list, Object value) throws JSONException {
        for (int i = 0; i < list.length(); i++) if (list.get(i).equals(value)) return true;
        return false;
    }

    private static boolean typed(Object types, Object value) throws JSONException {
        if (types instanceof JSONArray) {
            for (int i = 0; i < ((JSONArray) types).length(); i++)
                if (typed(((JSONArray) types).get(i), value)) return true;
            return false;
        }
        switch ((String) types) {
            case "object": return value instanceof JSONObject;
            case "array": return value instanceof JSONArray;
            case "string": return value instanceof String;
            case "boolean": return value instanceof Boolean;
            case "integer": return value instanceof Integer || value instanceof Long;
            case "number": return value instanceof Number;
            case "null": return value == JSONObject.NULL;
            default: throw new IllegalArgumentException(types.toString());
        }
    }
}
