// The bodies of Boost.JSON, compiled once for all modules.
#include <boost/json/src.hpp>
