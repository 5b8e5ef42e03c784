// The bodies of Boost.Beast, compiled once for all modules (BOOST_BEAST_SEPARATE_COMPILATION).
#include <boost/beast/src.hpp>
