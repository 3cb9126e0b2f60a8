# kvatlas_add_test(NAME name SOURCES … LINKS … [LABELS …] [TIMEOUT seconds] [PCH qt|torch]): one GoogleTest executable, each test
# listed in CTest.
include(GoogleTest)
find_package(GTest QUIET)
function(kvatlas_add_test)
  cmake_parse_arguments(T "" "NAME;TIMEOUT;PCH" "SOURCES;LINKS;LABELS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  if(NOT T_LABELS)
    set(T_LABELS unit)
  endif()
  add_executable(${T_NAME} ${T_SOURCES})
  target_link_libraries(${T_NAME} PRIVATE kvatlas_options ${T_LINKS} GTest::gmock GTest::gtest GTest::gtest_main)
  if(T_PCH)
    kvatlas_precompile(${T_NAME} ${T_PCH})
  endif()
  target_compile_definitions(${T_NAME} PRIVATE
    KVATLAS_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data" KVATLAS_SOURCE_DIR="${CMAKE_SOURCE_DIR}" KVATLAS_BINARY_DIR="${CMAKE_BINARY_DIR}")
  set_target_properties(${T_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  gtest_discover_tests(${T_NAME} DISCOVERY_TIMEOUT 120 DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${T_LABELS}" TIMEOUT ${T_TIMEOUT} ENVIRONMENT "QT_QPA_PLATFORM=offscreen")
endfunction()
