# The program is one component, the library for find_package(unfold), which gives unfold::unfold, another.
include(CMakePackageConfigHelpers)
install(TARGETS unfold RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
install(TARGETS unfold_library EXPORT unfoldTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/unfold DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT unfoldTargets NAMESPACE unfold:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/unfold)
configure_package_config_file(cmake/unfoldConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/unfoldConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/unfold)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/unfoldConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/unfoldConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/unfoldConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/unfold)
