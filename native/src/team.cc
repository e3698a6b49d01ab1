#include "team.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace jaxconv {
namespace {

using Clock = std::chrono::steady_clock;
using Word = std::atomic<uint32_t>;

// How long a thread waits awake. A 5x5 convolution of 0.3 ms on two threads took 0.5 ms where they slept at once; from
// 0.3 to 2 ms nothing changes. A training step of LeNet took 0.9 of the time that it takes with sleeping threads, and
// without the yield 1.2 (2 cores).
constexpr auto kAwake = std::chrono::microseconds(500);

// Returns when `word` is no longer `old`.
void wait(const Word& word, uint32_t old) {
  for (const auto end = Clock::now() + kAwake; Clock::now() < end;) {
    for (int i = 0; i < 32; ++i) {
      if (word.load(std::memory_order_acquire) != old) return;
      __builtin_ia32_pause();
    }
    sched_yield();  // to whoever else needs this core
  }
  word.wait(old, std::memory_order_acquire);
}

struct Place {
  int number = 0, members = 1, depth = 0;  // work inside of work is its caller's alone
};
thread_local Place place;
thread_local int limit = 1;  // where there is no `Limit`

class Team {
 public:
  void hire(int others) {
    if (hired_.load(std::memory_order_acquire) >= others) return;
    const std::lock_guard lock(turn_);
    seats_.reserve(others);
    for (int number = hired_ + 1; number <= others; ++number) {
      auto seat = std::make_unique<Seat>();
      std::thread([this, number, calls = &seat->calls] { serve(*calls, number); }).detach();
      seats_.push_back(std::move(seat));
      hired_.store(number, std::memory_order_release);
    }
  }

  void begin(Work work, void* data, int members) {
    turn_.lock();
    work_ = work, data_ = data, members_ = members;
    left_.store(members - 1, std::memory_order_relaxed);
    for (int i = 0; i < members - 1; ++i) {
      seats_[i]->calls.fetch_add(1, std::memory_order_release);
      seats_[i]->calls.notify_one();
    }
  }

  void end() {
    while (const uint32_t left = left_.load(std::memory_order_acquire)) wait(left_, left);
    turn_.unlock();
  }

  void barrier() {
    const uint32_t before = passed_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 < static_cast<uint32_t>(members_))
      return wait(passed_, before);
    arrived_.store(0, std::memory_order_relaxed);
    passed_.fetch_add(1, std::memory_order_release);
    passed_.notify_all();
  }

 private:
  struct alignas(64) Seat {
    Word calls{0};
  };

  void serve(const Word& calls, int number) {
    for (uint32_t heard = 0;; ++heard) {
      wait(calls, heard);
      place = {number, members_, 1};
      work_(data_);
      if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) left_.notify_one();
    }
  }

  std::mutex turn_;  // of the caller, from `begin` to `end`
  std::atomic<int> hired_{0};
  std::vector<std::unique_ptr<Seat>> seats_;  // one for each that is hired
  Work work_ = nullptr;
  void* data_ = nullptr;
  int members_ = 1;
  alignas(64) Word left_{0};
  alignas(64) Word arrived_{0}, passed_{0};
};

std::atomic<Team*> team{nullptr};  // never deleted: threads may still compute while the process ends

}  // namespace

int cores() {
  static const int count = [] {
    cpu_set_t own;
    const bool known = sched_getaffinity(0, sizeof own, &own) == 0;  // not of more than 1,024 cores
    const int all = known ? CPU_COUNT(&own) : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    const char* asked = std::getenv("OMP_NUM_THREADS");
    const int most = asked ? std::atoi(asked) : 0;
    return most > 0 ? std::min(all, most) : all;
  }();
  return count;
}

void form() {
  if (team.load() != nullptr) return;
  cores();
  team.store(new Team);
  pthread_atfork(nullptr, nullptr, [] { team.store(new Team); });
}

Limit::Limit(int threads) : before_(limit) {
  const int most = std::clamp(threads, 1, cores());
  team.load()->hire(most - 1);
  limit = most;
}
Limit::~Limit() { limit = before_; }

int allowed() { return place.depth ? 1 : limit; }

void begin(Work work, void* data, int threads) noexcept {
  if (place.depth++) return;
  place.members = threads ? std::min(threads, limit) : limit;
  if (place.members > 1) team.load()->begin(work, data, place.members);
}

void end() noexcept {
  if (--place.depth) return;
  if (place.members > 1) team.load()->end();
}

int number() { return place.depth > 1 ? 0 : place.number; }
int members() { return place.depth == 1 ? place.members : 1; }
bool working() { return place.depth > 0 && place.members > 1; }
void barrier() {
  if (members() > 1) team.load()->barrier();
}

}  // namespace jaxconv
