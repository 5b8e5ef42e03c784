// The bodies of Boost.Beast, compiled once for all rooms (BOOST_BEAST_SEPARATE_COMPILATION).
#include <boost/beast/src.hpp>
