// Stand-in. The real one opens these namespaces too, so a name of the sketch that collides is found here.
#pragma once
#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <mutex>
#include <string>
#include <vector>

#include "Arduino.h"

namespace mbed {
template <typename F>
using Callback = std::function<F>;
}
using namespace mbed;
using namespace std;
