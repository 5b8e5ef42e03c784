// The bodies of Boost.Asio, compiled once for all modules (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
