# Compiler settings of all KVAtlas targets: kvatlas_options.
find_program(KVATLAS_CCACHE ccache)
if(KVATLAS_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${KVATLAS_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${KVATLAS_CCACHE}")
  set(CMAKE_CUDA_COMPILER_LAUNCHER "${KVATLAS_CCACHE}")
endif()

add_library(kvatlas_options INTERFACE)
target_include_directories(kvatlas_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_link_libraries(kvatlas_options INTERFACE Threads::Threads)
set(kvatlas_cxx "$<COMPILE_LANGUAGE:CXX>")
target_compile_options(kvatlas_options INTERFACE
  $<${kvatlas_cxx}:-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Wcast-qual
    -Wno-missing-field-initializers>  # designated initializers leave defaults out on purpose
  # The same source must give the same results in every build: no contraction across statements.
  $<${kvatlas_cxx}:-ffp-contract=off>)
if(KVATLAS_WERROR)
  target_compile_options(kvatlas_options INTERFACE $<${kvatlas_cxx}:-Werror>)
endif()
if(KVATLAS_SANITIZE STREQUAL "THREAD")
  target_compile_options(kvatlas_options INTERFACE $<${kvatlas_cxx}:-fsanitize=thread -fno-omit-frame-pointer -O1 -g
    -Wno-tsan>)  # fences are not instrumented
  target_link_options(kvatlas_options INTERFACE -fsanitize=thread)
elseif(KVATLAS_SANITIZE)
  target_compile_options(kvatlas_options INTERFACE $<${kvatlas_cxx}:-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1 -g
    -Wno-maybe-uninitialized>)  # false positives of g++ 12 in instrumented library code
  target_link_options(kvatlas_options INTERFACE -fsanitize=address,undefined)
endif()
if(KVATLAS_FUZZ)
  set(kvatlas_fuzz_flags -fsanitize=address,undefined)
  target_compile_options(kvatlas_options INTERFACE ${kvatlas_fuzz_flags} -fsanitize=fuzzer-no-link -fno-sanitize-recover=undefined -O1 -g
    -Wno-error)  # clang warns of other things than g++, which decides
  target_link_options(kvatlas_options INTERFACE ${kvatlas_fuzz_flags})
endif()
find_program(KVATLAS_MOLD mold)
if(KVATLAS_MOLD)
  target_link_options(kvatlas_options INTERFACE -fuse-ld=mold)
endif()
