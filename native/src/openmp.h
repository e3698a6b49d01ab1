#pragma once

namespace jaxconv {

// Lets the loaded oneDNN compute with the team of team.h instead of OpenMP's threads.
// Throws std::runtime_error if it is not built for GNU's OpenMP, or asks that for more than the team can do.
void adopt();

}  // namespace jaxconv
