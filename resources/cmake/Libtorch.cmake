# libtorch from a folder (KVATLAS_LIBTORCH, or ./dev's .deps/torch): headers, libc10 and libtorch_cpu only.
if(NOT KVATLAS_LIBTORCH)
  if(DEFINED ENV{KVATLAS_LIBTORCH})
    set(KVATLAS_LIBTORCH "$ENV{KVATLAS_LIBTORCH}")
  else()
    set(KVATLAS_LIBTORCH "${CMAKE_SOURCE_DIR}/.deps/torch")
  endif()
endif()
set(KVATLAS_LIBTORCH "${KVATLAS_LIBTORCH}" CACHE PATH "libtorch folder with include/ and lib/" FORCE)
if(NOT EXISTS "${KVATLAS_LIBTORCH}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "no libtorch in ${KVATLAS_LIBTORCH}: run ./dev deps, set KVATLAS_LIBTORCH, or configure with -DKVATLAS_TORCH=OFF")
endif()

# libtorch_cpu from the CUDA wheel needs libcudart and libcupti: a toolkit's, or those that ./dev fetched from PyPI.
set(kvatlas_cuda_dirs "${CMAKE_SOURCE_DIR}/.deps/cuda/lib" /usr/local/cuda/lib64 /usr/local/cuda/extras/CUPTI/lib64)
find_library(KVATLAS_CUDART NAMES libcudart.so.13 HINTS ${kvatlas_cuda_dirs} NO_CMAKE_FIND_ROOT_PATH)
find_library(KVATLAS_CUPTI NAMES libcupti.so.13 HINTS ${kvatlas_cuda_dirs} NO_CMAKE_FIND_ROOT_PATH)

add_library(kvatlas_libtorch INTERFACE)
target_include_directories(kvatlas_libtorch SYSTEM INTERFACE
  "${KVATLAS_LIBTORCH}/include" "${KVATLAS_LIBTORCH}/include/torch/csrc/api/include")
# Per-operator headers keep each translation unit small.
target_compile_definitions(kvatlas_libtorch INTERFACE AT_PER_OPERATOR_HEADERS)
target_link_libraries(kvatlas_libtorch INTERFACE
  "${KVATLAS_LIBTORCH}/lib/libtorch_cpu.so" "${KVATLAS_LIBTORCH}/lib/libc10.so")
set(kvatlas_torch_rpath "${KVATLAS_LIBTORCH}/lib")
foreach(library IN ITEMS ${KVATLAS_CUDART} ${KVATLAS_CUPTI})
  get_filename_component(folder "${library}" DIRECTORY)
  list(APPEND kvatlas_torch_rpath "${folder}")
  target_link_libraries(kvatlas_libtorch INTERFACE "${library}")
endforeach()
list(REMOVE_DUPLICATES kvatlas_torch_rpath)
foreach(folder IN LISTS kvatlas_torch_rpath)
  # DT_RPATH, not RUNPATH: it also applies to libtorch's own dependencies. CMake adds the folders themselves.
  target_link_options(kvatlas_libtorch INTERFACE "LINKER:--disable-new-dtags" "LINKER:-rpath-link,${folder}")
endforeach()

# libtorch's headers contain a newer fmt; ours must come first wherever libtorch is used.
get_target_property(fmt_headers fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/system-fmt")
file(CREATE_LINK "${fmt_headers}/fmt" "${CMAKE_BINARY_DIR}/system-fmt/fmt" SYMBOLIC)
target_include_directories(kvatlas_libtorch SYSTEM BEFORE INTERFACE "${CMAKE_BINARY_DIR}/system-fmt")
