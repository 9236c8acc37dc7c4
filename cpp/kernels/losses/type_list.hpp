// Lists of types: the losses of a family, each a struct.
#pragma once

namespace rankgrad {
namespace {

template <class... Losses> struct List {};

template <class... Losses> constexpr int count_of(List<Losses...>) { return sizeof...(Losses); }

template <class A, class B> constexpr bool kSame = false;
template <class A> constexpr bool kSame<A, A> = true;

/// The place of a loss in a list.
template <class Loss, class First, class... Losses> constexpr int index_of(List<First, Losses...>) {
    if constexpr (kSame<Loss, First>) return 0;
    else return 1 + index_of<Loss>(List<Losses...>());
}

}  // namespace
}  // namespace rankgrad
