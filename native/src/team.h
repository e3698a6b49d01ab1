// The threads that compute a convolution: one team for the whole process, whoever calls.
//
// OpenMP gives each calling thread a team of its own, and XLA calls from several. Once there are more of their threads
// than cores, they sleep after each piece of work, and waking one costs as much as a small convolution. Here callers
// with work for several take turns with one team; its threads wait awake for a moment, leaving their cores to others.
#pragma once

namespace jaxconv {

using Work = void (*)(void* data);

// Threads that a team may have: as many as cores that this process may use, or OMP_NUM_THREADS if that is less.
int cores();

// Once, before anything else. The child of a fork, which has none of its parent's threads, then forms its own team.
void form();

// How many threads work that this thread begins gets at most, as long as the object lives: all work begins under one.
// Throws std::system_error if so many threads cannot be had.
class Limit {
 public:
  explicit Limit(int threads);
  ~Limit();
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

 private:
  int before_;
};

int allowed();  // threads for work that begins here: 1 inside of other work

// Between `begin` and `end` the others run `work(data)`; the caller then does its own share. 0 threads: all allowed.
void begin(Work work, void* data, int threads) noexcept;
void end() noexcept;

// Inside of work: which of how many this thread is, and a wait for all of them.
int number();
int members();
bool working();
void barrier();

// Runs `share(number, members)`, which must not throw, on all the threads allowed.
template <typename Share>
void together(Share share) {
  const Work work = [](void* data) noexcept { (*static_cast<Share*>(data))(number(), members()); };
  begin(work, &share, 0);
  work(&share);
  end();
}

}  // namespace jaxconv
