"""Every operator case, family by family."""
import op_cases_arrange
import op_cases_control
import op_cases_conv
import op_cases_convert
import op_cases_elementwise
import op_cases_functions
import op_cases_move
import op_cases_reduce
import op_random_more
import op_random_narrow
import op_random_place
import op_random_recurrent

FAMILIES = [op_cases_conv, op_cases_elementwise, op_cases_functions, op_cases_reduce,
            op_cases_convert, op_cases_move, op_cases_arrange, op_cases_control, op_random_place,
            op_random_recurrent, op_random_narrow, op_random_more]


def all_cases():
    return [case for family in FAMILIES for case in family.cases()]
