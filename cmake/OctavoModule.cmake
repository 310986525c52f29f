# How a folder becomes a library, a kernel file gets its instruction set, and the command is linked.

set(OCT_WARNINGS -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
    -Wpointer-arith -Wcast-qual -Wconversion -Wno-sign-conversion -Wno-float-conversion)
if(OCT_WERROR)
    list(APPEND OCT_WARNINGS -Werror)
endif()

# Flags every target of the project is compiled with; CFLAGS belongs to the user.
add_library(oct_flags INTERFACE)
target_compile_options(oct_flags INTERFACE ${OCT_WARNINGS} -ffp-contract=off -fno-math-errno
    -fvisibility=hidden)
target_compile_definitions(oct_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_include_directories(oct_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)
if(OCT_PORTABLE)
    target_compile_definitions(oct_flags INTERFACE OCT_PORTABLE=1)
endif()
if(OCT_SANITIZE)
    target_compile_options(oct_flags INTERFACE -fsanitize=${OCT_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    target_link_options(oct_flags INTERFACE -fsanitize=${OCT_SANITIZE})
endif()

set(OCT_ISA_avx2 -mavx2 -mfma -mf16c)
set(OCT_ISA_avx512 -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl)
set(OCT_ISA_avx512vnni ${OCT_ISA_avx512} -mavx512vnni)
set(OCT_ISA_neon)
set(OCT_ISA_dotprod -march=armv8.2-a+dotprod)

# oct_module(name DEPS libs...): src/<name> as the static library oct_<name>.
# A file <kernel>_<isa>.c in src/<name>/x86 or src/<name>/arm is compiled for that instruction set.
function(oct_module name)
    cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
    if(NOT OCT_PORTABLE)
        if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
            file(GLOB variants CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/x86/*.c)
        elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
            file(GLOB variants CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/arm/*.c)
        endif()
    endif()
    foreach(file IN LISTS variants)
        get_filename_component(stem ${file} NAME_WE)
        string(REGEX MATCH "[a-z0-9]+$" isa ${stem})
        if(DEFINED OCT_ISA_${isa})
            set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "${OCT_ISA_${isa}}")
        endif()
    endforeach()
    if(NOT sources)
        set(sources ${PROJECT_SOURCE_DIR}/cmake/empty.c)
    endif()
    add_library(oct_${name} STATIC ${sources} ${variants})
    target_include_directories(oct_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(oct_${name} PRIVATE oct_flags PUBLIC ${ARG_DEPS})
    set_property(GLOBAL APPEND PROPERTY OCT_MODULES oct_${name})
endfunction()

# The library users link: all modules as one archive, with headers and a pkg-config file.
function(oct_library)
    get_property(modules GLOBAL PROPERTY OCT_MODULES)
    set(objects)
    set(libraries)
    foreach(module IN LISTS modules)
        list(APPEND objects $<TARGET_OBJECTS:${module}>)
        get_target_property(deps ${module} INTERFACE_LINK_LIBRARIES)
        list(APPEND libraries ${deps})
    endforeach()
    list(FILTER libraries EXCLUDE REGEX "oct_")
    list(REMOVE_DUPLICATES libraries)
    add_library(octavo STATIC ${objects})
    set_target_properties(octavo PROPERTIES ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
        LINKER_LANGUAGE C)
    target_include_directories(octavo PUBLIC
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
    target_link_libraries(octavo PUBLIC ${libraries})
endfunction()

function(oct_command)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/*.c)
    if(NOT sources)
        return()
    endif()
    add_executable(octavo_command ${sources})
    set_target_properties(octavo_command PROPERTIES OUTPUT_NAME octavo
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    target_link_libraries(octavo_command PRIVATE oct_flags octavo)
    install(TARGETS octavo_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
