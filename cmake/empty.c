/* Stands in for a module without files of its own in this configuration. */
typedef int oct_empty_translation_unit;
