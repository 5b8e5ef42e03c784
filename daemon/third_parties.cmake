# Everything that Debian gives us, under one spelling for Debian 12 and 13: third_party::<name>.
# pkg-config rather than CMake packages where both exist: the CMake target names changed between the two releases
# (yaml-cpp became yaml-cpp::yaml-cpp), the pkg-config names did not.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
# Boost by its headers: 1.81 on Debian 12, 1.83 on Debian 13; nothing of it is linked.
find_package(Boost 1.81 REQUIRED CONFIG)

function(third_party name)
  add_library(third_party_${name} INTERFACE)
  target_link_libraries(third_party_${name} INTERFACE ${ARGN})
  add_library(third_party::${name} ALIAS third_party_${name})
endfunction()

function(third_party_by_pkg_config name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  # What a program must link that uses the installed library.
  set_property(GLOBAL APPEND PROPERTY MILLRACE_PKG_CONFIG_MODULES ${module})
  third_party(${name} PkgConfig::${name})
endfunction()

third_party(threads Threads::Threads)
third_party(boost Boost::headers)
third_party_by_pkg_config(cli11 CLI11)
third_party_by_pkg_config(crypto libcrypto)
third_party_by_pkg_config(jemalloc jemalloc)
third_party_by_pkg_config(prometheus prometheus-cpp-core)
third_party_by_pkg_config(spdlog spdlog)
third_party_by_pkg_config(sqlite sqlite3)
third_party_by_pkg_config(ssl libssl)
third_party_by_pkg_config(systemd libsystemd)
third_party_by_pkg_config(xxhash libxxhash)
third_party_by_pkg_config(yaml yaml-cpp)
third_party_by_pkg_config(zlib zlib)

# FLINT 2.9 brings no pkg-config file.
find_path(FLINT_INCLUDE_DIR flint/flint.h REQUIRED)
find_library(FLINT_LIBRARY flint REQUIRED)
find_library(GMP_LIBRARY gmp REQUIRED)
third_party(flint ${FLINT_LIBRARY} ${GMP_LIBRARY})
target_include_directories(third_party_flint SYSTEM INTERFACE ${FLINT_INCLUDE_DIR})

# The bodies of Asio, Beast and JSON are compiled once, here, instead of in every file that includes them. The
# definitions are the whole build's: a file that missed them would bring bodies of its own.
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
if(MILLRACE_SANITIZER STREQUAL "thread")
  # ThreadSanitizer does not follow atomic_thread_fence; without it Asio synchronises by what it does follow.
  add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
endif()
add_library(millrace_asio STATIC ${PROJECT_SOURCE_DIR}/daemon/asio.cpp)
target_link_libraries(millrace_asio PUBLIC Boost::headers Threads::Threads)
third_party(asio millrace_asio)
add_library(millrace_json STATIC ${PROJECT_SOURCE_DIR}/daemon/json.cpp)
target_link_libraries(millrace_json PUBLIC Boost::headers)
third_party(json millrace_json)
add_library(millrace_beast STATIC ${PROJECT_SOURCE_DIR}/daemon/beast.cpp)
target_link_libraries(millrace_beast PUBLIC millrace_asio)
third_party(beast millrace_beast)
