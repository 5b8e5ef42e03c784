// The bodies of Boost.JSON, compiled once for all rooms.
#include <boost/json/src.hpp>
