#include <millrace/service/run.hpp>

int main(int argc, char** argv) { return millrace::run(argc, argv); }
