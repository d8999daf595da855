# Programs that need nothing but glibc, for the bundle: the ordinary ones linked once more, from the same objects and
# with archives. They lie in static/ of the build, as in the bundle: bin/unfold, tests/unfold_tests, tests/unfold_bench.

# unfold_find_archive(VARIABLE NAME): libNAME.a where the compiler looks for it.
function(unfold_find_archive variable name)
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=lib${name}.a OUTPUT_VARIABLE file
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT IS_ABSOLUTE "${file}")
    message(FATAL_ERROR "UNFOLD_BUNDLE=ON: ${CMAKE_CXX_COMPILER} finds no lib${name}.a. Install it, or leave it off.")
  endif()
  set(${variable} ${file} PARENT_SCOPE)
endfunction()

# Debian has no archives of {fmt} and Highway: what lies in their libraries is compiled here.
if(NOT fmt_VERSION VERSION_LESS 10)
  message(FATAL_ERROR "UNFOLD_BUNDLE=ON: cmake/static/fmt.cpp stands in for {fmt} 9, and this is {fmt} ${fmt_VERSION}. "
                      "Make the bundle on Debian 12, or leave it off.")
endif()
add_library(unfold_static_sources OBJECT cmake/static/fmt.cpp cmake/static/hwy_targets.cpp)
target_link_libraries(unfold_static_sources PRIVATE unfold_warnings fmt::fmt hwy::hwy)
target_compile_features(unfold_static_sources PRIVATE cxx_std_20)

add_library(unfold_static_libraries INTERFACE)
foreach(name IN ITEMS z zstd xxhash)
  unfold_find_archive(archive ${name})
  target_link_libraries(unfold_static_libraries INTERFACE ${archive})
endforeach()
target_link_libraries(unfold_static_libraries INTERFACE Threads::Threads ${CMAKE_DL_LIBS}
                      $<$<BOOL:${UNFOLD_WITH_CUDA}>:CUDA::cudart_static>)

# unfold_add_static(TARGET FOLDER LIBRARY...): TARGET_static in static/FOLDER, with these libraries besides. libstdc++
# is inside unless one of them is shared and so brings its own.
function(unfold_add_static target folder)
  add_executable(${target}_static $<TARGET_OBJECTS:${target}> $<TARGET_OBJECTS:unfold_static_sources>)
  target_link_libraries(${target}_static PRIVATE ${ARGN} $<TARGET_FILE:unfold_library> unfold_static_libraries)
  add_dependencies(${target}_static unfold_library)
  set_target_properties(${target}_static PROPERTIES LINKER_LANGUAGE CXX OUTPUT_NAME ${target}
                        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/static/${folder})
endfunction()

unfold_add_static(unfold bin -static-libstdc++ -static-libgcc)
if(UNFOLD_BUILD_TESTS)
  find_package(GTest REQUIRED)
  unfold_find_archive(boost_context boost_context)
  unfold_add_static(unfold_tests tests $<TARGET_FILE:unfold_emulated> ${boost_context} GTest::gmock GTest::gtest_main
                    -static-libstdc++ -static-libgcc)
  add_dependencies(unfold_tests_static unfold_emulated unfold_static)
  # Starts where there is no environment, and runs what finds out where it is: other programs, libraries, SIMD.
  add_test(NAME static_tests COMMAND env -i $<TARGET_FILE:unfold_tests_static> --gtest_brief=1
           --gtest_filter=CliHelp.*:CliTrain.TrainsEvaluates*:SharedLibrary.*:ElementVectors.*)
endif()
if(UNFOLD_BUILD_BENCH)
  find_package(benchmark REQUIRED)
  unfold_add_static(unfold_bench tests benchmark::benchmark)
  set_target_properties(unfold_bench_static PROPERTIES BUILD_RPATH "" INSTALL_RPATH "\$ORIGIN/lib")
endif()
