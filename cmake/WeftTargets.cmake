# One line per folder: a library is every .cc beside its CMakeLists.txt, a test program every *_test.cc.

# weft_library(NAME [DEPS...]): static library weft_NAME from this folder's sources.
function(weft_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  add_library(weft_${name} STATIC ${sources})
  target_link_libraries(weft_${name} PUBLIC weft_options ${ARGN})
endfunction()

# weft_test(NAME [DEPS...]): gtest program from this folder's *_test.cc, each TEST a ctest of its own. Its label is the group, the
# folder under tests/ (unit, contract, sim, ...), so `ctest -L unit` runs one group.
function(weft_test name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  if(NOT sources)
    return()
  endif()
  file(RELATIVE_PATH group ${PROJECT_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR})
  string(REGEX REPLACE "/.*" "" group ${group})
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARGN} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE WEFT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST PROPERTIES LABELS ${group} TIMEOUT 120)
endfunction()

# weft_fuzzer(NAME SOURCE [DEPS...]): libFuzzer program under the fuzz preset (WEFT_FUZZ=ON).
function(weft_fuzzer name source)
  if(NOT WEFT_FUZZ)
    return()
  endif()
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${ARGN})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
endfunction()

# weft_embed(TARGET FUNCTION FILE): compiles FILE's text into TARGET as `std::string_view weft::sim::FUNCTION()`.
function(weft_embed target function file)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${function}.cc)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} text)
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT [=[
#include <string_view>
namespace weft::sim {
std::string_view @function@();
std::string_view @function@() {
  return R"weft(@text@)weft";
}
}  // namespace weft::sim
]=])
  target_sources(${target} PRIVATE ${output})
endfunction()
