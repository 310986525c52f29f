# How a folder becomes a library, a kernel file gets its instruction set, and the command is linked.

set(OCT_WARNINGS -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
    -Wpointer-arith -Wcast-qual -Wconversion -Wno-sign-conversion -Wno-float-conversion)
# gcc cannot know that oct_fail() never returns OCT_OK, so it takes every out parameter behind OCT_TRY for
# unset; clang's flow-sensitive -Wsometimes-uninitialized and the sanitizers keep watch instead.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND OCT_WARNINGS -Wno-maybe-uninitialized)
endif()
if(OCT_WERROR)
    list(APPEND OCT_WARNINGS -Werror)
endif()

# Flags every target of the project is compiled with; CFLAGS belongs to the user.
add_library(oct_flags INTERFACE)
target_compile_options(oct_flags INTERFACE ${OCT_WARNINGS} -ffp-contract=off -fno-math-errno
    -fno-trapping-math -fvisibility=hidden)
target_compile_definitions(oct_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_include_directories(oct_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)
if(OCT_PORTABLE)
    target_compile_definitions(oct_flags INTERFACE OCT_PORTABLE=1)
endif()
if(OCT_SANITIZE)
    target_compile_options(oct_flags INTERFACE -fsanitize=${OCT_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    target_link_options(oct_flags INTERFACE -fsanitize=${OCT_SANITIZE})
    if(CMAKE_C_COMPILER_ID MATCHES "Clang")
        target_compile_options(oct_flags INTERFACE -Wno-pass-failed) # checks keep loops from being vectorised
    endif()
endif()

set(OCT_ISA_avx2 -mavx2 -mfma -mf16c)
set(OCT_ISA_avx512 -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl)
set(OCT_ISA_avx512vnni ${OCT_ISA_avx512} -mavx512vnni)
set(OCT_ISA_avx512amx ${OCT_ISA_avx512vnni} -mamx-tile -mamx-int8 -mavx512vbmi)

# gcc 12's scheduling before register allocation spills the accumulators of the register tiles.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    set(OCT_ISA_neon -fno-schedule-insns)
endif()
set(OCT_ISA_dotprod ${OCT_ISA_neon} -march=armv8.2-a+dotprod)
set(OCT_ISA_i8mm ${OCT_ISA_neon} -march=armv8.2-a+dotprod+i8mm)

# oct_module(name DEPS libs...): src/<name> as the static library oct_<name>.
# A file <kernel>_<isa>.c in src/<name>/x86 or arm is compiled for that instruction set, on that processor only.
function(oct_module name)
    cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
    if(NOT OCT_PORTABLE AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        file(GLOB variants CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/x86/*.c)
    elseif(NOT OCT_PORTABLE AND CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
        file(GLOB variants CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/arm/*.c)
    endif()
    foreach(file IN LISTS variants)
        get_filename_component(stem ${file} NAME_WE)
        string(REGEX MATCH "[a-z0-9]+$" isa ${stem})
        if(DEFINED OCT_ISA_${isa})
            set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "${OCT_ISA_${isa}}")
        endif()
    endforeach()
    add_library(oct_${name} STATIC ${sources} ${variants})
    target_include_directories(oct_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(oct_${name} PRIVATE oct_flags PUBLIC ${ARG_DEPS})
    set_property(GLOBAL APPEND PROPERTY OCT_MODULES oct_${name})
endfunction()

# The library users link: all modules as one archive and one shared object, with headers and a pkg-config
# file. Only what <octavo/…> declares is visible in the shared object.
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
    if(OCT_SHARED)
        add_library(octavo_shared SHARED ${objects})
        set_target_properties(octavo_shared PROPERTIES OUTPUT_NAME octavo VERSION ${PROJECT_VERSION}
            SOVERSION 0 LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR} LINKER_LANGUAGE C)
        target_link_libraries(octavo_shared PRIVATE oct_flags ${libraries})
    endif()
    oct_install_library()
endfunction()

# Headers, archive, octavo.pc and octavoConfig.cmake.
function(oct_install_library)
    set(OCT_PC_MODULES)
    set(OCT_PC_REQUIRES)
    foreach(pair JANSSON:jansson ZLIB:zlib TURBOJPEG:libturbojpeg SPNG:spng)
        string(REPLACE ":" ";" names ${pair})
        list(GET names 0 prefix)
        list(GET names 1 name)
        get_target_property(libraries octavo INTERFACE_LINK_LIBRARIES)
        if("PkgConfig::${prefix}" IN_LIST libraries)
            list(APPEND OCT_PC_MODULES ${pair})
            list(APPEND OCT_PC_REQUIRES ${name})
        endif()
    endforeach()
    list(JOIN OCT_PC_REQUIRES ", " OCT_PC_REQUIRES)
    list(JOIN OCT_PC_MODULES " " OCT_PC_MODULES)
    # The prefix follows from where octavo.pc lies, so that `cmake --install --prefix` is right too.
    file(RELATIVE_PATH OCT_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    string(REGEX REPLACE "/$" "" OCT_PC_PREFIX ${OCT_PC_PREFIX})
    configure_file(${PROJECT_SOURCE_DIR}/cmake/octavo.pc.in ${PROJECT_BINARY_DIR}/octavo.pc @ONLY)
    configure_file(${PROJECT_SOURCE_DIR}/cmake/octavoConfig.cmake.in
        ${PROJECT_BINARY_DIR}/octavoConfig.cmake @ONLY)
    install(TARGETS octavo EXPORT octavoTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    if(OCT_SHARED)
        install(TARGETS octavo_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    endif()
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/octavo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    install(EXPORT octavoTargets NAMESPACE octavo:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/octavo)
    install(FILES ${PROJECT_BINARY_DIR}/octavoConfig.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/octavo)
    install(FILES ${PROJECT_BINARY_DIR}/octavo.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# examples/<name>.c is the program example_<name>, linked as a user would.
function(oct_examples)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)
    foreach(source IN LISTS sources)
        get_filename_component(stem ${source} NAME_WE)
        add_executable(example_${stem} ${source})
        target_link_libraries(example_${stem} PRIVATE oct_flags octavo)
    endforeach()
endfunction()

function(oct_command)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/*.c)
    add_executable(octavo_command ${sources})
    set_target_properties(octavo_command PROPERTIES OUTPUT_NAME octavo
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    target_link_libraries(octavo_command PRIVATE oct_flags octavo)
    install(TARGETS octavo_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    # The one for phones, where `make device` left it; --device looks there.
    install(PROGRAMS ${PROJECT_SOURCE_DIR}/build/octavo-arm64
        DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/octavo OPTIONAL)
    install(FILES ${PROJECT_SOURCE_DIR}/docs/octavo.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endfunction()

# octavo_mpi.so beside the command, where MPI is installed: the command loads it under mpirun only.
function(oct_mpi)
    if(NOT OCT_SHARED)
        return()
    endif()
    find_package(MPI QUIET COMPONENTS C)
    if(NOT MPI_C_FOUND)
        return()
    endif()
    add_library(octavo_mpi MODULE ${PROJECT_SOURCE_DIR}/src/mpi/plugin.c)
    set_target_properties(octavo_mpi PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    target_include_directories(octavo_mpi PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_include_directories(octavo_mpi SYSTEM PRIVATE ${MPI_C_INCLUDE_DIRS})
    target_link_libraries(octavo_mpi PRIVATE oct_flags ${MPI_C_LIBRARIES})
    install(TARGETS octavo_mpi LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/octavo)
endfunction()
