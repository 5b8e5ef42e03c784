# Modules as libraries. One table, daemon/modules, says which module may use which. A module's own CMakeLists.txt names
# only its sources and third parties:
#
#   millrace_module(engine SOURCES queue.cpp engine.cpp PUBLIC_LIBS boost PRIVATE_LIBS spdlog)
#
# PUBLIC_LIBS: third parties that the module's headers include; PRIVATE_LIBS: those that only its .cpp files include.
# Names of third parties: daemon/third_parties.cmake. A module of headers alone has no SOURCES.

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/modules)
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/modules lines REGEX "^[a-z]+:")
set(MILLRACE_MODULES "")
foreach(line IN LISTS lines)
  string(REGEX MATCH "^([a-z]+):(.*)$" _ "${line}")
  set(module ${CMAKE_MATCH_1})
  string(REGEX MATCHALL "[a-z]+" uses "${CMAKE_MATCH_2}")
  list(APPEND MILLRACE_MODULES ${module})
  set(MILLRACE_USES_${module} ${uses})
endforeach()

function(millrace_module module)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC_LIBS;PRIVATE_LIBS")
  if(arg_UNPARSED_ARGUMENTS OR NOT module IN_LIST MILLRACE_MODULES)
    message(FATAL_ERROR
      "millrace_module(${module}): no such module in daemon/modules, or stray words: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  list(TRANSFORM arg_PUBLIC_LIBS PREPEND third_party::)
  list(TRANSFORM arg_PRIVATE_LIBS PREPEND third_party::)
  list(TRANSFORM MILLRACE_USES_${module} PREPEND millrace_ OUTPUT_VARIABLE modules)
  set(promise PUBLIC)
  if(NOT arg_SOURCES)
    set(promise INTERFACE)
    add_library(millrace_${module} INTERFACE)
  else()
    add_library(millrace_${module} STATIC ${arg_SOURCES})
    target_link_libraries(millrace_${module} PRIVATE millrace_strict ${arg_PRIVATE_LIBS})
  endif()
  target_include_directories(millrace_${module} ${promise} ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/daemon)
  foreach(used IN LISTS modules)
    if(TARGET ${used})
      target_link_libraries(millrace_${module} ${promise} ${used})
    endif()
  endforeach()
  target_link_libraries(millrace_${module} ${promise} third_party::boost ${arg_PUBLIC_LIBS})
endfunction()

# A program stands beside the build's cache: build/<preset>/<name>.
function(millrace_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;MODULES;LIBS")
  list(TRANSFORM arg_MODULES PREPEND millrace_)
  list(TRANSFORM arg_LIBS PREPEND third_party::)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE millrace_strict ${arg_MODULES} ${arg_LIBS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endfunction()
