# Precompiled headers of Qt and ATen, whose parsing is most of a compile: kvatlas_precompile(TARGET qt|torch).
# Sources still include what they use; -DKVATLAS_PCH=OFF builds without.
option(KVATLAS_PCH "Precompile the headers of Qt and libtorch" ON)
set(kvatlas_standard_headers <algorithm> <array> <chrono> <cmath> <cstdint> <filesystem> <functional> <map> <memory> <mutex> <optional> <set>
  <span> <string> <string_view> <thread> <utility> <variant> <vector>)

# One library owns each precompiled header: every target that reuses it must be compiled with the same options.
function(kvatlas_precompiled_library name)
  file(WRITE "${CMAKE_BINARY_DIR}/${name}.cpp.new" "namespace {}\n")
  file(COPY_FILE "${CMAKE_BINARY_DIR}/${name}.cpp.new" "${CMAKE_BINARY_DIR}/${name}.cpp" ONLY_IF_DIFFERENT)
  add_library(${name} STATIC "${CMAKE_BINARY_DIR}/${name}.cpp")
  cmake_parse_arguments(P "" "" "LINKS;HEADERS" ${ARGN})
  target_link_libraries(${name} PRIVATE kvatlas_options ${P_LINKS})
  target_precompile_headers(${name} PRIVATE ${kvatlas_standard_headers} ${P_HEADERS})
  # ccache needs the preprocessed text to name the precompiled header.
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endfunction()

if(KVATLAS_PCH AND KVATLAS_QT)
  kvatlas_precompiled_library(kvatlas_pch_qt LINKS Qt6::Gui Qt6::Widgets Qt6::PrintSupport Qt6::Svg QCustomPlotQt6
    HEADERS <QtWidgets> <qcustomplot.h>)
endif()
if(KVATLAS_PCH AND KVATLAS_TORCH)
  kvatlas_precompiled_library(kvatlas_pch_torch LINKS kvatlas_libtorch
    HEADERS <ATen/core/Tensor.h> <ATen/Parallel.h> <ATen/TensorOperators.h> <ATen/core/grad_mode.h>)
endif()

function(kvatlas_precompile target kind)
  if(NOT TARGET kvatlas_pch_${kind})
    return()
  endif()
  target_precompile_headers(${target} REUSE_FROM kvatlas_pch_${kind})
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
    # g++ 12 forgets that a precompiled header is a system header and reports its false positives.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict>
    $<$<COMPILE_LANGUAGE:CXX>:-fPIC>)  # executables too: the header was compiled with it
endfunction()
