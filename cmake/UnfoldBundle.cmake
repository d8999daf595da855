# What scripts/bundle.sh packs, as components of `cmake --install` that an ordinary installation leaves out:
#   bundle          bin/unfold, share/doc/unfold/, README.md, LICENSE, THIRD_PARTY.md
#   bundle_tests    tests/: the tests, the benchmarks and gpu.sh
#   bundle_cublas   lib/: cuBLAS, where the toolkit is

# unfold_bundle_library(COMPONENT NAME FOLDER): the shared library NAME as the compiler finds it, under its soname,
# stripped.
function(unfold_bundle_library component name folder)
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=${name} OUTPUT_VARIABLE file
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  file(REAL_PATH ${file} real)
  if(NOT EXISTS ${real})
    message(FATAL_ERROR "the bundle needs ${name}, which ${CMAKE_CXX_COMPILER} does not find")
  endif()
  install(PROGRAMS ${real} DESTINATION ${folder} RENAME ${name} COMPONENT ${component} EXCLUDE_FROM_ALL)
  set(installed \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${folder}/${name})
  install(CODE "execute_process(COMMAND ${CMAKE_STRIP} --strip-unneeded ${installed})" COMPONENT ${component}
          EXCLUDE_FROM_ALL)
endfunction()

# unfold_bundle_licence(COMPONENT NAME FILE...): the first of these files that is there.
function(unfold_bundle_licence component name)
  foreach(file IN LISTS ARGN)
    if(EXISTS ${file})
      install(FILES ${file} DESTINATION share/doc/unfold/licences RENAME ${name}.txt COMPONENT ${component}
              EXCLUDE_FROM_ALL)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "the bundle needs the licence of ${name}; none of these is here: ${ARGN}")
endfunction()

install(TARGETS unfold_static RUNTIME DESTINATION bin COMPONENT bundle EXCLUDE_FROM_ALL)
install(FILES README.md LICENSE CHANGELOG.md docs/THIRD_PARTY.md DESTINATION . COMPONENT bundle EXCLUDE_FROM_ALL)
install(DIRECTORY docs/ DESTINATION share/doc/unfold COMPONENT bundle EXCLUDE_FROM_ALL FILES_MATCHING PATTERN *.md
        PATTERN THIRD_PARTY.md EXCLUDE)
foreach(package IN ITEMS libfmt-dev libzstd-dev zlib1g-dev libxxhash-dev libhwy-dev libcli11-dev nlohmann-json3-dev
                         libfast-float-dev robin-map-dev libeigen3-dev libutfcpp-dev)
  unfold_bundle_licence(bundle ${package} /usr/share/doc/${package}/copyright)
endforeach()
unfold_bundle_licence(bundle gcc /usr/share/doc/libgcc-s1/copyright /usr/share/doc/gcc-12-base/copyright)
unfold_bundle_licence(bundle GPL-3 /usr/share/common-licenses/GPL-3)
if(UNFOLD_WITH_CUDA)
  file(GLOB eula ${CUDAToolkit_TARGET_DIR}/EULA.txt ${CUDAToolkit_BIN_DIR}/../EULA.txt
       ${CUDAToolkit_BIN_DIR}/../dist-info/nvidia_cuda_runtime-*/licenses/License.txt
       /usr/share/doc/cuda-cudart-*/copyright)
  unfold_bundle_licence(bundle cuda ${eula})
endif()

if(UNFOLD_BUILD_TESTS AND UNFOLD_BUILD_BENCH)
  install(TARGETS unfold_tests_static unfold_bench_static RUNTIME DESTINATION tests COMPONENT bundle_tests
          EXCLUDE_FROM_ALL)
  install(PROGRAMS scripts/gpu.sh scripts/gpu_steps.sh scripts/gpu_report.py DESTINATION tests COMPONENT bundle_tests
          EXCLUDE_FROM_ALL)
  # Debian has no archive of Google Benchmark; the shared one needs the compiler's runtime beside it.
  get_target_property(config benchmark::benchmark IMPORTED_CONFIGURATIONS)
  list(GET config 0 config)
  get_target_property(soname benchmark::benchmark IMPORTED_SONAME_${config})
  foreach(library IN ITEMS ${soname} libstdc++.so.6 libgcc_s.so.1)
    unfold_bundle_library(bundle_tests ${library} tests/lib)
  endforeach()
  unfold_bundle_licence(bundle_tests googletest /usr/share/doc/googletest/copyright)
  unfold_bundle_licence(bundle_tests libbenchmark-dev /usr/share/doc/libbenchmark-dev/copyright)
endif()

if(UNFOLD_WITH_CUDA AND CUDA_cublas_LIBRARY AND CUDA_cublasLt_LIBRARY)
  foreach(library IN ITEMS cublas cublasLt)
    file(REAL_PATH ${CUDA_${library}_LIBRARY} file)
    get_filename_component(soname ${CUDA_${library}_LIBRARY} NAME)
    install(PROGRAMS ${file} DESTINATION lib RENAME ${soname}.${CUDAToolkit_VERSION_MAJOR} COMPONENT bundle_cublas
            EXCLUDE_FROM_ALL)
  endforeach()
  # The one library that cuBLAS needs beyond glibc.
  unfold_bundle_library(bundle_cublas libgcc_s.so.1 lib)
endif()
