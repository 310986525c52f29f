# Files as C strings. As a script (cmake -P) it writes OUT from FILES, a list of name=path; an empty path
# gives an empty string. As an include it adds those strings of the report to oct_report.
if(CMAKE_SCRIPT_MODE_FILE)
    set(text "/* Written by the build from the files named below. */\n#include \"report/assets.h\"\n")
    foreach(file IN LISTS FILES)
        string(REGEX MATCH "^([a-z]+)=(.*)$" matched "${file}")
        set(name ${CMAKE_MATCH_1})
        set(path ${CMAKE_MATCH_2})
        set(bytes "")
        if(path)
            file(READ "${path}" bytes HEX)
            string(REGEX REPLACE "(........................................)" "\\1\n" bytes "${bytes}")
            string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
        endif()
        get_filename_component(base "${path}" NAME)
        string(APPEND text "\n/* ${base} */\nconst char oct_asset_${name}[] = {\n${bytes}0};\n")
    endforeach()
    file(WRITE "${OUT}" "${text}")
    return()
endif()

find_file(OCT_CHART_JS NAMES chart.min.js chart.umd.js
    PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist NO_DEFAULT_PATH)
if(NOT OCT_CHART_JS)
    message(STATUS "Chart.js (Debian: libjs-chart.js) not found: reports will have tables, no charts")
endif()
set(oct_assets ${PROJECT_BINARY_DIR}/report_assets.c)
set(oct_html ${PROJECT_SOURCE_DIR}/src/report/html)
set(oct_files "page=${oct_html}/page.html" "style=${oct_html}/style.css" "script=${oct_html}/script.js"
    "chart=$<$<BOOL:${OCT_CHART_JS}>:${OCT_CHART_JS}>")
add_custom_command(OUTPUT ${oct_assets}
    COMMAND ${CMAKE_COMMAND} "-DFILES=${oct_files}" -DOUT=${oct_assets}
        -P ${CMAKE_CURRENT_LIST_DIR}/OctavoAssets.cmake
    DEPENDS ${oct_html}/page.html ${oct_html}/style.css ${oct_html}/script.js
        ${CMAKE_CURRENT_LIST_DIR}/OctavoAssets.cmake
    VERBATIM)
target_sources(oct_report PRIVATE ${oct_assets})
