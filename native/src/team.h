// The threads that compute a convolution: one team for the whole process, whoever calls.
//
// OpenMP gives each calling thread a team of its own, and XLA calls from several. Once there are more of their threads
// than cores, they sleep after each piece of work, and to wake one costs as much as a small convolution. Here all callers
// take turns with one team, whose threads wait awake for a moment and, while they do, leave their cores to others.
#pragma once

namespace jaxconv {

using Work = void (*)(void* data);

// Threads that a team may have: as many as cores that this process may use, or OMP_NUM_THREADS if that is less.
int cores();

// How many threads work that this thread begins gets at most, as long as the object lives.
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
void begin(Work work, void* data, int threads);
void end();

// Inside of work: which of how many this thread is, and a wait for all of them.
int number();
int members();
bool working();
void barrier();

// Runs `share(number, members)` on all the threads allowed.
template <typename Share>
void together(Share share) {
  const Work work = [](void* data) { (*static_cast<Share*>(data))(number(), members()); };
  begin(work, &share, 0);
  work(&share);
  end();
}

}  // namespace jaxconv
