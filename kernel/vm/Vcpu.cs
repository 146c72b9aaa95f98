using System.Threading;
using Hv.Kernel.Processor;

namespace Hv.Kernel.Vm;

/// <summary>A virtual processor, for code that does not care which back-end runs it. Rare operations only: they are virtual calls.</summary>
public abstract unsafe class Vcpu
{
    /// <summary>The VM it belongs to.</summary>
    public Vm Machine = null!;

    /// <summary>The processor that runs it, and no other.</summary>
    public PerProcessor* Host;

    /// <summary>Its number, and the processor's.</summary>
    public int Index => Host->Index;

    /// <summary>Exits by <see cref="ExitReason"/>.</summary>
    public readonly ulong[] Exits = new ulong[(int)ExitReason.Count];

    /// <summary>Begins to count anew.</summary>
    public void ClearExits()
    {
        for (int i = 0; i < Exits.Length; i++)
            Exits[i] = 0;
    }

    /// <summary>It has been initialized by INIT, or not been started yet: nothing but a start-up message makes it run.</summary>
    public bool WaitsForStartUp;

    /// <summary>Start-up messages that it has followed since its VM's OS took over from the firmware.</summary>
    public uint StartUps;

    /// <summary>An NMI is to be given to the guest as soon as it can take it.</summary>
    public bool HasNmi;

    private int _flushAsked;
    private int _isRunning;
    private int _messages;

    /// <summary>What the stubs load and store.</summary>
    public VcpuRegisters* Registers;

    /// <summary>x87, SSE, AVX and further state while another VM is on the processor; 64-byte aligned.</summary>
    public byte* ExtendedState;

    private const int VectorShift = 8, VectorMask = 0xFF << VectorShift;

    private readonly ulong[] _debugAddresses = new ulong[4];
    private ulong _xcr0 = 1;
    private ulong _tscAux;
    private readonly bool _hasTscAux = (CpuidResult.Of(0x8000_0001).Edx & 1 << 27) != 0;

    /// <summary>XCR0 while the VM is not on the processor.</summary>
    public ulong Xcr0 { get => _xcr0; set => _xcr0 = value; }

    /// <summary>Takes what no control block carries off this processor.</summary>
    public void SaveProcessorState()
    {
        Kernel.Vm.ExtendedState.Save(ExtendedState, out _xcr0);
        fixed (ulong* addresses = _debugAddresses)
            Stubs.ReadDebugAddresses(addresses);
        if (_hasTscAux)
            _tscAux = Msr.Read(Msr.TscAux);
    }

    /// <summary>Puts it back on this processor.</summary>
    public void RestoreProcessorState()
    {
        Kernel.Vm.ExtendedState.Restore(ExtendedState, _xcr0);
        fixed (ulong* addresses = _debugAddresses)
            Stubs.WriteDebugAddresses(addresses);
        if (_hasTscAux)
            _ = Msr.Write(Msr.TscAux, _tscAux);
    }

    /// <summary>Starts as another VM's snapshot: extended state and XCR0 are copied by the caller, the rest is as after reset.</summary>
    public void ResetProcessorState()
    {
        for (int i = 0; i < _debugAddresses.Length; i++)
            _debugAddresses[i] = 0;
        _tscAux = 0;
    }

    /// <summary>The guest waits in HLT or MWAIT; RIP still points there, and <see cref="HaltLength"/> bytes on is where it goes on.</summary>
    public bool IsHalted;

    /// <summary>While <see cref="IsHalted"/>: an external interrupt ends the wait.</summary>
    public bool EndsOnInterrupt;

    /// <summary>Bytes of the waiting instruction.</summary>
    public byte HaltLength;

    /// <summary>Reads the whole state.</summary>
    public abstract void Save(ref VcpuState state);

    /// <summary>Replaces the whole state.</summary>
    public abstract void Load(in VcpuState state);

    /// <summary>Lets exit what exits of a primary or of a shadow.</summary>
    public abstract void SetRole(bool shadow);

    /// <summary>
    /// Ends a time limit that was set for the guest: the processor's timer, if that was borrowed for it, is the primary's again, with what
    /// was left of its count.
    /// </summary>
    public abstract void EndTimeLimit();

    /// <summary>Uses another nested page table, or the same one after changes to it.</summary>
    public abstract void SetNestedRoot(HostPhysical root);

    /// <summary>Forgets cached translations of the nested page table. On its own processor.</summary>
    public abstract void FlushNested();

    /// <summary>
    /// The same on any processor: before the guest executes another instruction. Returns when it does not execute any with the old translations.
    /// </summary>
    public void FlushNestedFromElsewhere()
    {
        _ = Interlocked.Exchange(ref _flushAsked, 1);
        while (IsRunning && Volatile.Read(in _flushAsked) != 0)
        {
            Host->Kick();
            Stubs.Pause();
        }
    }

    /// <summary>Whether the guest is on the processor, or about to be.</summary>
    public bool IsRunning => Volatile.Read(in _isRunning) != 0;

    /// <summary>False: the processor is wanted and must not enter the guest. After this it counts as in the guest until <see cref="Leave"/>.</summary>
    protected bool TryEnter()
    {
        Volatile.Write(ref _isRunning, 1);
        if (!Host->TryEnterGuest())
        {
            Volatile.Write(ref _isRunning, 0);
            return false;
        }
        if (Volatile.Read(in _flushAsked) != 0 && Interlocked.Exchange(ref _flushAsked, 0) != 0)
            FlushNested();
        return true;
    }

    /// <summary>The guest has been left.</summary>
    protected void Leave()
    {
        Host->LeaveGuest();
        Volatile.Write(ref _isRunning, 0);
    }

    /// <summary>Leaves a message for the processor, which looks at it when it next looks around. On any processor.</summary>
    public void Post(VcpuMessage message, byte vector = 0)
    {
        int added = (int)message | vector << VectorShift;
        while (true)
        {
            int old = Volatile.Read(in _messages);
            int kept = message == VcpuMessage.StartUp ? old & ~VectorMask : old;
            if (Interlocked.CompareExchange(ref _messages, kept | added, old) == old)
                break;
        }
        Host->AskForAttention();
    }

    /// <summary>Whether messages wait.</summary>
    public bool HasMessages => Volatile.Read(in _messages) != 0;

    /// <summary>
    /// Follows the messages, which only a primary gets: INIT first, for the real local APIC, too; then a start-up message. On its own processor. False: there were none.
    /// </summary>
    public bool TakeMessages()
    {
        if (!HasMessages)
            return false;
        int messages = Interlocked.Exchange(ref _messages, 0);
        if ((messages & (int)VcpuMessage.Init) != 0)
        {
            Initialize();
            LocalApicReset.Initialize();
        }
        if ((messages & (int)VcpuMessage.StartUp) != 0 && WaitsForStartUp)
            StartUp((byte)(messages >> VectorShift));
        return true;
    }

    /// <summary>Brings the processor into the state after INIT (Intel SDM vol. 3A, 10.1.4): it waits for a start-up message.</summary>
    public abstract void Initialize();

    /// <summary>Starts it in real mode at <paramref name="vector"/> times 4 KiB.</summary>
    public abstract void StartUp(byte vector);

    /// <summary>Whether an event is to be delivered at the next entry.</summary>
    public abstract bool HasEvent { get; }

    /// <summary>Whether the guest could take an external interrupt at its next entry.</summary>
    public abstract bool CanTakeInterrupt { get; }

    /// <summary>Gives the guest an external interrupt at its next entry; it must be able to take it.</summary>
    public abstract void InjectInterrupt(byte vector);

    /// <summary>Exit as soon as the guest can take an interrupt.</summary>
    public abstract void OpenInterruptWindow();

    /// <summary>Takes the guest out of HLT or MWAIT: it goes on behind the instruction.</summary>
    public abstract void WakeUp();
}
