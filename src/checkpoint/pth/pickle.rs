//! The pickle inside a `.pth` file: a program for a stack machine that builds Python's values.
//!
//! In Python the program may import any function and call it, so that reading a pickle is running a
//! stranger's code. This machine has no functions. It knows the instructions with which PyTorch writes
//! plain values and dicts of tensors, and three names that such files "call", each of which stands here
//! for a value to be put on the stack:
//!
//! | called | with | gives |
//! |---|---|---|
//! | `torch._utils._rebuild_tensor_v2` | storage, offset, shape, strides, … | a tensor |
//! | `torch._utils._rebuild_parameter` | tensor, … | that tensor |
//! | `collections.OrderedDict` | nothing | a dict |
//!
//! Every other instruction and every other name is refused. The format is described in CPython's
//! `Lib/pickletools.py`.
//!
//! Values refer to others by number, so that a pickle that shares one value a million times is one value
//! here, and nothing is walked into its depth.

mod value;
mod words;

pub use value::{Place, Storage, Value, kind};

use super::Refused;
use crate::error::clip;
use std::collections::HashMap;
use words::{Name, known, op, opcode_name};

/// Values that a pickle may make. A network of a thousand tensors makes some ten thousand; with this,
/// no pickle takes more than 150 MB, nor more than 150 bytes for each of its own.
const MOST: usize = 1 << 20;

/// All that a pickle has built.
#[derive(Default)]
pub struct Machine<'a> {
    code: &'a [u8],
    stack: Vec<Value<'a>>,
    /// How long the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    made: usize,
    storages: Vec<Storage<'a>>,
    pub tuples: Vec<Vec<Value<'a>>>,
    /// Keys with their values.
    pub dicts: Vec<Vec<[Value<'a>; 2]>>,
    pub tensors: Vec<Place<'a>>,
}

type Done = Result<(), Refused>;

impl<'a> Machine<'a> {
    /// Runs `code` to its end; returns the machine with all that was built, and what is on top.
    pub fn run(code: &'a [u8]) -> Result<(Self, Value<'a>), Refused> {
        let mut machine = Self { code, ..Self::default() };
        loop {
            match machine.byte()? {
                op::STOP => {
                    let top = machine.pop()?;
                    return Ok((machine, top));
                }
                opcode => machine.step(opcode)?,
            }
        }
    }

    fn step(&mut self, opcode: u8) -> Done {
        match opcode {
            op::PROTO => self.protocol(),
            op::NONE | op::NEWTRUE | op::NEWFALSE | op::EMPTY_LIST => self.push(Value::Plain),
            op::BINFLOAT => self.take(8).and_then(|_| self.push(Value::Plain)),
            op::BININT1 => self.byte().and_then(|x| self.push(Value::Int(x.into()))),
            op::BININT2 => self.array().and_then(|x| self.push(Value::Int(u16::from_le_bytes(x).into()))),
            op::BININT => self.array().and_then(|x| self.push(Value::Int(i32::from_le_bytes(x).into()))),
            op::LONG1 => self.long(),
            op::BINUNICODE => self.text(),
            op::MARK => self.mark(),
            op::EMPTY_TUPLE => self.tuple(0),
            op::TUPLE1 => self.tuple(1),
            op::TUPLE2 => self.tuple(2),
            op::TUPLE3 => self.tuple(3),
            op::TUPLE => self.above_mark().and_then(|length| self.tuple(length)),
            op::APPEND => self.append(1),
            op::APPENDS => self.above_mark().and_then(|length| self.append(length)),
            op::EMPTY_DICT => self.dict(),
            op::SETITEM => self.set_items(2),
            op::SETITEMS => self.above_mark().and_then(|length| self.set_items(length)),
            op::BINPUT => self.byte().and_then(|at| self.remember(at.into())),
            op::LONG_BINPUT => self.array().and_then(|at| self.remember(u32::from_le_bytes(at))),
            op::BINGET => self.byte().and_then(|at| self.recall(at.into())),
            op::LONG_BINGET => self.array().and_then(|at| self.recall(u32::from_le_bytes(at))),
            op::GLOBAL => self.global(),
            op::REDUCE => self.reduce(),
            op::BUILD => self.build(),
            op::BINPERSID => self.storage(),
            _ => Err(Refused::foreign(format!("the instruction {} in its pickle", opcode_name(opcode)))),
        }
    }

    fn protocol(&mut self) -> Done {
        match self.byte()? {
            2 => Ok(()),
            other => Err(Refused::foreign(format!("a pickle of protocol {other} instead of 2"))),
        }
    }

    /// An integer of up to 8 bytes.
    fn long(&mut self) -> Done {
        let length = usize::from(self.byte()?);
        let bytes = self.take(length)?;
        let mut word = if bytes.last().is_some_and(|byte| byte >> 7 == 1) { [255; 8] } else { [0; 8] };
        match word.get_mut(..length) {
            Some(start) => start.copy_from_slice(bytes),
            None => return Err(Refused::damaged(format!("an integer of {length} bytes in its pickle"))),
        }
        self.push(Value::Int(i64::from_le_bytes(word)))
    }

    fn text(&mut self) -> Done {
        let length = u32::from_le_bytes(self.array()?);
        let bytes = self.take(length as usize)?;
        let text = str::from_utf8(bytes).map_err(|_| damaged("a text that is not UTF-8"))?;
        self.push(Value::Text(text))
    }

    fn dict(&mut self) -> Done {
        self.dicts.push(Vec::new());
        self.push(Value::Dict(self.dicts.len() - 1))
    }

    /// A tuple of the top `length` values.
    fn tuple(&mut self, length: usize) -> Done {
        let start = self.below(length)?;
        self.tuples.push(self.stack.split_off(start));
        self.push(Value::Tuple(self.tuples.len() - 1))
    }

    /// Marks take memory as values do.
    fn mark(&mut self) -> Done {
        self.count()?;
        self.marks.push(self.stack.len());
        Ok(())
    }

    /// Lists take part in no tensor: what is appended is gone.
    fn append(&mut self, length: usize) -> Done {
        self.stack.truncate(self.below(length)?);
        match self.stack.last() {
            Some(Value::Plain) => Ok(()),
            other => Err(damaged(&format!("an append to {}", kind(other)))),
        }
    }

    /// The top `length` values are keys and values for the dict below them.
    fn set_items(&mut self, length: usize) -> Done {
        let items = self.stack.split_off(self.below(length)?);
        let Some(&Value::Dict(dict)) = self.stack.last() else {
            return Err(damaged(&format!("an item set in {}", kind(self.stack.last()))));
        };
        let (pairs, rest) = items.as_chunks();
        if !rest.is_empty() {
            return Err(damaged("a key without a value"));
        }
        self.dicts[dict].extend(pairs);
        Ok(())
    }

    fn remember(&mut self, at: u32) -> Done {
        let &top = self.stack.last().ok_or_else(|| damaged("an empty stack"))?;
        self.count()?;
        self.memo.insert(at, top);
        Ok(())
    }

    fn recall(&mut self, at: u32) -> Done {
        let &value =
            self.memo.get(&at).ok_or_else(|| damaged(&format!("a value {at} that was never kept")))?;
        self.push(value)
    }

    fn global(&mut self) -> Done {
        let name = format!("{}.{}", self.line()?, self.line()?);
        match known(&name) {
            Some(name) => self.push(Value::Name(name)),
            None => Err(Refused::foreign(format!("the name `{}` in its pickle", clip(&name)))),
        }
    }

    // ANCHOR: reduce
    /// What the named function would give for the tuple above it.
    fn reduce(&mut self) -> Done {
        let (args, called) = (self.pop()?, self.pop()?);
        let Value::Tuple(args) = args else {
            return Err(damaged(&format!("a call with {} for arguments", kind(Some(&args)))));
        };
        use Value::{Int, Storage, Tensor, Tuple};
        match (called, self.tuples[args].as_slice()) {
            (Value::Name(Name::OrderedDict), []) => self.dict(),
            (
                Value::Name(Name::RebuildTensor),
                &[Storage(storage), Int(offset), Tuple(shape), Tuple(strides), _, _, ..],
            ) => {
                self.tensors.push(Place { storage: self.storages[storage], offset, shape, strides });
                self.push(Tensor(self.tensors.len() - 1))
            }
            (Value::Name(Name::RebuildParameter), &[tensor @ Tensor(_), ..]) => self.push(tensor),
            _ => Err(Refused::foreign(format!("a call of {} in its pickle", kind(Some(&called))))),
        }
    }
    // ANCHOR_END: reduce

    /// PyTorch hangs the versions of modules on its dict, which say nothing that a shape does not.
    fn build(&mut self) -> Done {
        let state = self.pop()?;
        match (self.stack.last(), state) {
            (Some(Value::Dict(_)), Value::Dict(_)) => Ok(()),
            (target, state) => Err(Refused::foreign(format!(
                "the instruction BUILD, with {} on {}, in its pickle",
                kind(Some(&state)),
                kind(target)
            ))),
        }
    }

    /// PyTorch's persistent ids are `('storage', type, key, device, length)`.
    fn storage(&mut self) -> Done {
        let Value::Tuple(tuple) = self.pop()? else {
            return Err(damaged("a persistent id that is no tuple"));
        };
        let &[
            Value::Text("storage"),
            Value::Name(Name::StorageOf(dtype)),
            Value::Text(key),
            Value::Text(_),
            Value::Int(len),
        ] = &self.tuples[tuple][..]
        else {
            return Err(Refused::foreign("a persistent id that is no storage in its pickle".into()));
        };
        self.storages.push(Storage { dtype, key, len });
        self.push(Value::Storage(self.storages.len() - 1))
    }

    fn count(&mut self) -> Done {
        self.made += 1;
        if self.made > MOST {
            return Err(Refused::foreign(format!("more than {MOST} values in its pickle")));
        }
        Ok(())
    }

    fn push(&mut self, value: Value<'a>) -> Done {
        self.count()?;
        self.stack.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Result<Value<'a>, Refused> {
        self.stack.pop().ok_or_else(|| damaged("an empty stack"))
    }

    /// How long the stack is without its top `length` values.
    fn below(&self, length: usize) -> Result<usize, Refused> {
        self.stack.len().checked_sub(length).ok_or_else(|| damaged("an empty stack"))
    }

    /// How many values are above the last mark, which is taken away.
    fn above_mark(&mut self) -> Result<usize, Refused> {
        let mark = self.marks.pop().ok_or_else(|| damaged("no mark"))?;
        self.stack.len().checked_sub(mark).ok_or_else(|| damaged("a mark above the stack"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Refused> {
        let (taken, rest) = self.code.split_at_checked(length).ok_or_else(|| damaged("an early end"))?;
        self.code = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let (&taken, rest) = self.code.split_first_chunk().ok_or_else(|| damaged("an early end"))?;
        self.code = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Refused> {
        self.array().map(|[byte]| byte)
    }

    /// The text up to the end of its line.
    fn line(&mut self) -> Result<&'a str, Refused> {
        let length =
            self.code.iter().position(|&byte| byte == b'\n').ok_or_else(|| damaged("an early end"))?;
        let line = self.take(length + 1)?;
        str::from_utf8(&line[..length]).map_err(|_| damaged("a name that is not UTF-8"))
    }
}

fn damaged(found: &str) -> Refused {
    Refused::damaged(format!("{found} in its pickle"))
}
