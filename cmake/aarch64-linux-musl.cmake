# Debian's cross compiler with musl: one static program that runs on every 64-bit ARM Linux, Android included.
#
# musl, because the system calls of glibc's start-up are refused to Android apps (docs/adr/0011). Static and
# not PIE: nothing is loaded at run time. Segments aligned to 16 KB, the page size of newer phones. No
# outlined atomics: they would ask the kernel for what musl's start-up does not provide.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_AR aarch64-linux-gnu-ar CACHE FILEPATH "")
set(CMAKE_RANLIB aarch64-linux-gnu-ranlib CACHE FILEPATH "")
set(CMAKE_STRIP aarch64-linux-gnu-strip CACHE FILEPATH "")

set(CMAKE_C_FLAGS_INIT
    "-specs=/usr/lib/aarch64-linux-musl/musl-gcc.specs -mno-outline-atomics -fno-pie")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -no-pie -Wl,-z,max-page-size=16384")
set(CMAKE_EXE_LINKER_FLAGS_RELEASE_INIT "-s")

# The build machine's libraries and headers are none of ours; its tools are. OCT_DEPS is searched.
set(CMAKE_FIND_ROOT_PATH /usr/lib/aarch64-linux-musl)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# ctest runs the tests with it; QEMU_CPU=cortex-a53 and the like choose the processor.
find_program(OCT_QEMU NAMES qemu-aarch64-static qemu-aarch64)
if(OCT_QEMU)
    set(CMAKE_CROSSCOMPILING_EMULATOR ${OCT_QEMU})
endif()
