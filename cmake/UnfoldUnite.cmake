# unfold_unite(TARGET): with UNFOLD_UNITE its sources are compiled at most ten together, all of one folder, so that names
# in unnamed namespaces have to differ within a folder alone. Called where the target is made.
function(unfold_unite target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${UNFOLD_UNITE} UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    file(STRINGS ${source} per_target REGEX "HWY_TARGET_INCLUDE")
    if(NOT per_target) # Highway includes such a source again for each of its targets
      cmake_path(GET source PARENT_PATH folder)
      string(MAKE_C_IDENTIFIER "${folder}" folder)
      math(EXPR n_in_${folder} "0${n_in_${folder}} + 1")
      math(EXPR part "${n_in_${folder}} / 10")
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${folder}_${part})
    endif()
  endforeach()
endfunction()
