# Rooms as libraries. One table, daemon/rooms, says which room may use which; a room's own CMakeLists.txt says only
# which sources and third parties it has:
#
#   millrace_room(engine SOURCES queue.cpp engine.cpp PUBLIC_LIBS boost PRIVATE_LIBS spdlog)
#
# PUBLIC_LIBS: third parties that the room's headers include; PRIVATE_LIBS: those that only its .cpp files include.
# Names of third parties: daemon/third_parties.cmake. A room of headers alone has no SOURCES.

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/rooms)
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/rooms lines REGEX "^[a-z]+:")
set(MILLRACE_ROOMS "")
foreach(line IN LISTS lines)
  string(REGEX MATCH "^([a-z]+):(.*)$" _ "${line}")
  set(room ${CMAKE_MATCH_1})
  string(REGEX MATCHALL "[a-z]+" uses "${CMAKE_MATCH_2}")
  list(APPEND MILLRACE_ROOMS ${room})
  set(MILLRACE_USES_${room} ${uses})
endforeach()

function(millrace_room room)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC_LIBS;PRIVATE_LIBS")
  if(arg_UNPARSED_ARGUMENTS OR NOT room IN_LIST MILLRACE_ROOMS)
    message(FATAL_ERROR "millrace_room(${room}): no such room in daemon/rooms, or stray words: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  list(TRANSFORM arg_PUBLIC_LIBS PREPEND third_party::)
  list(TRANSFORM arg_PRIVATE_LIBS PREPEND third_party::)
  list(TRANSFORM MILLRACE_USES_${room} PREPEND millrace_ OUTPUT_VARIABLE rooms)
  set(promise PUBLIC)
  if(NOT arg_SOURCES)
    set(promise INTERFACE)
    add_library(millrace_${room} INTERFACE)
  else()
    add_library(millrace_${room} STATIC ${arg_SOURCES})
    target_link_libraries(millrace_${room} PRIVATE millrace_strict ${arg_PRIVATE_LIBS})
  endif()
  target_include_directories(millrace_${room} ${promise} ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/daemon)
  foreach(used IN LISTS rooms)
    if(TARGET ${used})
      target_link_libraries(millrace_${room} ${promise} ${used})
    endif()
  endforeach()
  target_link_libraries(millrace_${room} ${promise} third_party::boost ${arg_PUBLIC_LIBS})
endfunction()

# A program stands beside the build's cache: build/<preset>/<name>.
function(millrace_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;ROOMS;LIBS")
  list(TRANSFORM arg_ROOMS PREPEND millrace_)
  list(TRANSFORM arg_LIBS PREPEND third_party::)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE millrace_strict ${arg_ROOMS} ${arg_LIBS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endfunction()
